"""Names of the two files of a voice folder. Apart, so that looking for voices loads no NumPy."""

CONFIG_FILE = "voice.json"
WEIGHTS_FILE = "model.safetensors"
