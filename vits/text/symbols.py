"""The symbol table of the original VITS, for configurations that do not carry their own."""

from __future__ import annotations

_PAD = "_"
_MARKS = ';:,.!?¡¿—…"«»“” '
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IPA = (
    "ɑɐɒæɓʙβɔɕçɗɖðʤəɘɚɛɜɝɞɟʄɡɠɢʛɦɧħɥʜɨɪʝɭɬɫɮʟɱɯɰŋɳɲɴøɵɸθœɶʘɹɺɾɻʀʁɽʂʃʈʧʉʊʋⱱʌɣɤʍχʎʏʑʐʒʔʡʕʢǀǁǂǃ"
    "ˈˌːˑʼʴʰʱʲʷˠˤ˞↓↑→↗↘'̩'ᵻ"
)

ORIGINAL_SYMBOLS: tuple[str, ...] = (_PAD, *_MARKS, *_LETTERS, *_IPA)
"""178 symbols; the row of each is its id. Two of them are the apostrophe: the first counts."""
