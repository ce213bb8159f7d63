"""A picture file in, an answer out, without TensorFlow: what the script, the demo and the exported files run.

May use core and data.images alone, with NumPy, Pillow and a light runtime (LiteRT or ONNX Runtime); Matplotlib where a
figure is drawn, and Gradio where the demo's page is made. Model files and pictures enter; P(REAL), labels and figures
of an answer leave.
"""
