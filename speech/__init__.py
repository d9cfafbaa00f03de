"""How it is heard: speakable text, sentences, queue, workers, Opus, playback, files."""
