"""Pictures from the source archive to network input: ingest, versions, splits, augmentation, corruption, batches.

May use core and config. Archives enter; checked uint8 arrays with labels and a manifest leave, and float32 network
input in [0, 1]. `images` is the only code that turns pixels into network input.
"""
