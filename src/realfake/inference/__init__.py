"""Classify picture files with an exported network, without TensorFlow: for the script, the demo and the HTTP client.

May use core and data.images only, with NumPy, Pillow and a light runtime (LiteRT or ONNX Runtime); Matplotlib where a
figure is drawn, and Gradio where the demo's page is built. Model files and pictures enter; P(REAL), labels and figures
leave.
"""
