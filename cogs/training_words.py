"""How a training is told of (pure): how far it is, what it came to, what went wrong."""

from __future__ import annotations

from cogs.lobby_words import minutes
from vits.studio.orders import STAGES, Heard, Kind, Progress, Stage
from words import N_, Words

TITLE = N_("**Training the voice {voice}**")
STEP = N_("Step {n} of {of}: {what}, {percent} %")
LEFT = N_("{time} left of this step")
DOING: dict[Stage, str] = {
    "data": N_("listening to the recordings"),
    "teach": N_("preparing the voice to begin from"),
    "train": N_("learning the voice"),
    "judge": N_("judging it"),
}
HEARD = N_(
    "Recordings: {minutes} min to learn from; clips kept for judging: {held}; "
    "quality {quality} of 5, pitch {pitch} Hz; stretches left out: {left_out}"
)
LEFT_OUT = N_("Left out: {why}")
READY = N_("**The voice {voice} is ready.** /voice set chooses it.")
VERDICT = N_(
    "{verdict}\nLikeness {likeness}, misheard words {errors} %, quality {quality} of 5, "
    "{times} times as fast as speech."
)
UNJUDGED = N_("It could not be judged.")
CANCELLED = N_("The training of the voice {voice} was cancelled. Nothing of it was kept.")
FAILED = N_("The voice {voice} was not made: {why}")
GONE = N_("The training of the voice {voice} cannot go on: its recordings are gone.")

FAILURES: dict[Kind, str] = {
    "missing": N_("Training needs PyTorch, which is not installed here: run make train, then try."),
    "unusable": N_("Nothing in the recordings can be used: {why}."),
    "short": N_("There is too little usable speech in the recordings: {least} s are needed."),
    "long": N_("The recordings are too large."),
    "language": N_("The recordings are in another language ({why}) than the voice to begin from."),
    "diverged": N_("The training went astray. Other recordings may do better."),
    "disk": N_("My disk is full."),
    "taken": N_("There is a voice of that name now."),
    "fault": N_("Something went wrong on my side; the log says more."),
}

REASONS = (
    N_("no sound could be read from it"),
    N_("there is no sound in it"),
    N_("nobody speaks in it"),
    N_("shorter than a second"),
    N_("the recording is clipped (too loud for its device)"),
    N_("too noisy"),
    N_("noise or music behind the voice"),
    N_("almost silent"),
    N_("no words could be made out"),
    N_("the transcript says something else"),
    N_("its words are not in the transcript"),
    N_("a duplicate"),
    N_("no recording was found in what was given"),
    N_("it is longer than 3 hours"),
    N_("too much in one zip"),
    N_("the zip is damaged or locked"),
    N_("the clips are too short, or the voice to begin from cannot read their text"),
)
"""What ``vits.data`` and ``vits.studio.work`` say of what cannot be used, as they say it."""

OTHER = N_("it could not be read")
VERDICTS = (
    N_("It sounds like the same person"),
    N_("It sounds like a relative of the person"),
    N_("It does not sound like the person yet"),
    N_("every word can be understood"),
    N_("now and then a word is unclear"),
    N_("clean"),
    N_("a little rough"),
    N_("noisy or muffled"),
)
"""What ``vits.judge`` says, as it says it; all else that it says is :data:`HARD`."""
HARD = N_("hard to follow")


def standing(words: Words, voice: str, progress: Progress) -> str:
    """How far it is, as its message says it."""
    lines = [words(TITLE, voice=voice)]
    if progress.stage in STAGES:
        lines.append(
            words(
                STEP,
                n=STAGES.index(progress.stage) + 1,
                of=len(STAGES),
                what=words(DOING[progress.stage]),
                percent=round(100 * progress.share),
            )
        )
    if progress.left_s is not None:
        lines.append(words(LEFT, time=minutes(words, progress.left_s)))
    if progress.heard is not None:
        lines += _heard(words, progress.heard)
    return "\n".join(lines)[:2000]


def failure(words: Words, progress: Progress, least_s: float) -> str:
    """Why it came to nothing, as a sentence."""
    if progress.failure == "unusable":
        reasons = dict.fromkeys(_reason(words, why) for why in progress.why)
        why = "; ".join(reasons)[:500]
    else:
        why = ", ".join(progress.why)[:100]
    return words(FAILURES[progress.failure or "fault"], why=why, least=round(least_s))


def ended(words: Words, voice: str, progress: Progress) -> str:
    """What it came to, when it came to something."""
    lines = [words(READY, voice=voice)]
    figures = progress.figures
    if progress.verdict and figures:
        lines.append(
            words(
                VERDICT,
                verdict=_verdict(words, progress.verdict),
                likeness=f"{figures.get('likeness', 0):.2f}",
                errors=round(100 * figures.get("word_errors", 0)),
                quality=f"{figures.get('quality', 0):.1f}",
                times=round(1 / figures["real_time"]) if figures.get("real_time") else "?",
            )
        )
    else:
        lines.append(words(UNJUDGED))
    if progress.heard is not None:
        lines += _heard(words, progress.heard)
    return "\n".join(lines)[:2000]


def _reason(words: Words, why: str) -> str:
    why = why.partition(";")[0]  # what follows is advice for whoever works in a terminal
    return words(why if why in REASONS else OTHER)


def _verdict(words: Words, verdict: str) -> str:
    parts = [part.strip() for part in verdict.rstrip(".").split(";")]
    return "; ".join(words(part if part in VERDICTS else HARD) for part in parts) + "."


def _heard(words: Words, heard: Heard) -> list[str]:
    lines = [
        words(
            HEARD,
            minutes=round(heard.minutes, 1),
            held=heard.held_out,
            quality=heard.quality,
            pitch=round(heard.pitch_hz),
            left_out=heard.left_out,
        )
    ]
    if heard.why:
        why = (f"{_reason(words, why)} ({n})" for why, n in heard.why.items())
        lines.append(words(LEFT_OUT, why="; ".join(why)))
    return lines
