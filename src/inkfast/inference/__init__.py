"""Reading digits with ONNX Runtime alone: nothing here imports torch."""
