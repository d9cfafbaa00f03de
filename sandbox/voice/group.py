"""The voice gateway's view of one channel's MLS group: who is in, who waits, what is proposed.

Pure: events come in as method calls, what is to be sent comes out as effects, and nothing
here knows sockets, time or secrets. Two rules (DAVE whitepaper, "Group Key Exchange"):

1. The first valid commit of an epoch wins. Every commit that comes after it is for a past
   epoch and is dropped without blame: losing the race is ordinary.
2. A group needs two. Left alone, a member is reset to epoch 0 and founds again with the next.

Changes are proposed in batches: what happens while a batch waits for its commit goes into
the next one. A batch is taken back (op 27, revoke) when somebody whom it adds has gone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from sandbox.voice import mls
from sandbox.voice.opcodes import DAVE_VERSION, Op
from sandbox.voice.signing import ExternalSender, Proposal, check_key_package

FIRST_EPOCH = 1
INITIAL_TRANSITION = 0
_TRANSITIONS = 0xFFFF
APPEND, REVOKE = b"\x00", b"\x01"


class StaleCommitError(Exception):
    """The commit lost the race, or its proposals have changed meanwhile. Nobody's fault."""


class InvalidCommitError(Exception):
    """The commit breaks a rule of the whitepaper's "Voice Gateway Commit Validity"."""


@dataclass(frozen=True)
class Binary:
    """Send a binary message; the sequence number is the sender's business."""

    user_id: int
    op: Op
    body: bytes


@dataclass(frozen=True)
class Json:
    """Send a JSON message."""

    user_id: int
    op: Op
    data: dict[str, int]


@dataclass(frozen=True)
class AwaitReady:
    """Call :meth:`Group.time_out` for this transition when members take too long."""

    transition_id: int


Effect = Binary | Json | AwaitReady


@dataclass
class _Member:
    """``leaf`` is None while pending; ``key_package`` is None until sent, and once used."""

    user_id: int
    leaf: int | None = None
    key_package: mls.KeyPackage | None = None


@dataclass(frozen=True)
class _Offer:
    """An unrevoked proposal of this epoch. ``adds`` is the joiner, or None for a Remove."""

    proposal: Proposal
    adds: _Member | None = None
    key_package: mls.KeyPackage | None = None
    removes: int | None = None


@dataclass
class _Transition:
    members: frozenset[int]
    waiting_for: set[int]


@dataclass
class Group:
    """One media session's group. ``group_id`` is the channel id, eight bytes."""

    channel_id: int
    sender: ExternalSender
    epoch: int = 0
    _members: dict[int, _Member] = field(default_factory=dict)
    _keys: dict[int, bytes] = field(default_factory=dict)
    """Signature key of each occupied leaf, those of departed members included."""
    _departed: set[int] = field(default_factory=set)
    """Leaves that await a Remove."""
    _offers: dict[bytes, _Offer] = field(default_factory=dict)
    _asked: set[int] = field(default_factory=set)
    """Who was sent the offers, and may commit them."""
    _transitions: dict[int, _Transition] = field(default_factory=dict)
    _last_transition: int = 0

    @property
    def group_id(self) -> bytes:
        """The MLS group id that DAVE clients use: the channel's snowflake."""
        return self.channel_id.to_bytes(8, "big")

    @property
    def roster(self) -> dict[int, int]:
        """Leaf index of each connected user who is in the established group."""
        return {m.user_id: m.leaf for m in self._members.values() if m.leaf is not None}

    @property
    def settled(self) -> bool:
        """Whether nothing is proposed and no transition is under way."""
        return not self._offers and not self._transitions

    def join(self, user_id: int) -> list[Effect]:
        """A user connected: tell them who signs the proposals. Leaves first if already here."""
        effects = self.leave(user_id) if user_id in self._members else []
        self._members[user_id] = _Member(user_id)
        return [*effects, Binary(user_id, Op.MLS_EXTERNAL_SENDER, self.sender.package)]

    def leave(self, user_id: int) -> list[Effect]:
        """A user is gone: they must be removed before anybody else is added."""
        member = self._members.pop(user_id, None)
        if member is None:
            return []
        effects = self._retire(member)
        for transition_id, transition in list(self._transitions.items()):
            transition.waiting_for.discard(user_id)
            effects += self._execute_if_ready(transition_id)
        return effects + self._settle()

    def key_package(self, user_id: int, body: bytes) -> list[Effect]:
        """Op 26. Raises :class:`~sandbox.voice.mls.MlsError` for a package that may not be used."""
        member = self._members[user_id]
        package = mls.read_key_package(body)
        check_key_package(package, user_id)
        effects = self._retire(member)
        member.key_package = package
        return effects + self._settle()

    def invalid(self, user_id: int) -> list[Effect]:
        """Op 31: the member could not follow. Back to pending, until a new key package comes."""
        member = self._members[user_id]
        effects = self._retire(member)
        for transition_id, transition in list(self._transitions.items()):
            transition.waiting_for.discard(user_id)
            effects += self._execute_if_ready(transition_id)
        return effects + self._settle()

    def commit(self, user_id: int, body: bytes) -> list[Effect]:
        """Op 28: check the commit, announce it, welcome the joiners, begin the transition.

        Raises :class:`StaleCommitError` or :class:`InvalidCommitError`, and
        :class:`~sandbox.voice.mls.MlsError` when it cannot be read.
        """
        commit, welcome = mls.read_commit_welcome(body)
        applied = self._check(user_id, commit, welcome)
        founder = self.epoch == 0
        followers = [user_id] if founder else list(self.roster)
        self.epoch += 1
        if founder:
            self._seat(self._members[user_id], 0)
        for offer in applied:
            if offer.removes is not None:
                self._keys.pop(offer.removes, None)
                self._departed.discard(offer.removes)
        transition_id = self._next_transition()
        prefix = struct.pack(">H", transition_id)
        effects: list[Effect] = [
            Binary(follower, Op.MLS_ANNOUNCE_COMMIT_TRANSITION, prefix + commit.encoded)
            for follower in followers
        ]
        for offer in applied:
            if offer.adds is not None and offer.key_package is not None and welcome:
                self._seat(offer.adds, self._free_leaf(), offer.key_package)
                secret = welcome.only_for(offer.key_package.ref)
                effects.append(Binary(offer.adds.user_id, Op.MLS_WELCOME, prefix + secret))
        self._offers.clear()
        self._asked.clear()
        members = frozenset(self.roster)
        self._transitions[transition_id] = _Transition(members, set(members))
        return [*effects, AwaitReady(transition_id), *self._settle()]

    def ready(self, user_id: int, transition_id: int) -> list[Effect]:
        """Op 23: when the last member is ready, everybody executes the transition."""
        if transition := self._transitions.get(transition_id):
            transition.waiting_for.discard(user_id)
        return self._execute_if_ready(transition_id)

    def time_out(self, transition_id: int) -> list[Effect]:
        """Members took too long: execute without them."""
        if transition := self._transitions.get(transition_id):
            transition.waiting_for.clear()
        return self._execute_if_ready(transition_id)

    def _check(self, user_id: int, commit: mls.Commit, welcome: mls.Welcome | None) -> list[_Offer]:
        """The offers that ``commit`` applies, in its order, if it may be announced."""
        if commit.group_id != self.group_id:
            raise InvalidCommitError("the commit is for another group")
        if commit.epoch != self.epoch or not self._offers:
            raise StaleCommitError(f"commit for epoch {commit.epoch} in epoch {self.epoch}")
        member = self._members.get(user_id)
        if member is None or (member.leaf if self.epoch else member.key_package) is None:
            raise StaleCommitError("the sender is not in the group any more")
        if not commit.refs:
            raise InvalidCommitError("the commit applies no proposal")
        due = {offer.proposal.ref for offer in self._offers_for(user_id)}
        if set(commit.refs) != due or len(commit.refs) != len(due):
            raise StaleCommitError("the proposals have changed since")
        expected_leaf = 0 if self.epoch == 0 else member.leaf
        if commit.sender_leaf != expected_leaf:
            raise InvalidCommitError(f"leaf {commit.sender_leaf} is not the sender's")
        if commit.leaf and (
            commit.leaf.identity != user_id.to_bytes(8, "big")
            or commit.leaf.signature_key
            != self._keys.get(commit.sender_leaf, commit.leaf.signature_key)
        ):
            raise InvalidCommitError("the commit changes the sender's credential or signature key")
        applied = [self._offers[ref] for ref in commit.refs]
        joiners = {offer.key_package.ref for offer in applied if offer.key_package}
        if joiners != set(welcome.secrets if welcome else ()):
            raise InvalidCommitError("the Welcome is not for those whom the commit adds")
        return applied

    def _settle(self) -> list[Effect]:
        """Reset a member left alone; propose what is due, unless a batch is outstanding."""
        effects: list[Effect] = []
        roster = self.roster
        if self.epoch and len(roster) < 2:
            effects += self._reset(roster)
        if self._offers:
            return effects
        waiting = [m for m in self._members.values() if m.key_package and m.leaf is None]
        if self.epoch:
            recipients: Iterable[int] = roster
        else:
            recipients = [m.user_id for m in waiting]
            waiting = waiting if len(waiting) > 1 else []
        for leaf in sorted(self._departed):
            proposal = self.sender.remove(self.group_id, self.epoch, leaf)
            self._offers[proposal.ref] = _Offer(proposal, removes=leaf)
        for member in waiting:
            if member.key_package:
                proposal = self.sender.add(self.group_id, self.epoch, member.key_package)
                self._offers[proposal.ref] = _Offer(proposal, member, member.key_package)
        self._asked = set(recipients) if self._offers else set()
        for user_id in sorted(self._asked):
            due = b"".join(offer.proposal.message for offer in self._offers_for(user_id))
            body = APPEND + mls.vector(due)
            effects.append(Binary(user_id, Op.MLS_PROPOSALS, body))
        return effects

    def _reset(self, roster: dict[int, int]) -> list[Effect]:
        """Sole member reset: nobody keeps control of an established group alone."""
        self.epoch = 0
        self._keys.clear()
        self._departed.clear()
        self._offers.clear()
        self._asked.clear()
        self._transitions.clear()
        effects: list[Effect] = []
        for user_id in roster:
            self._members[user_id] = _Member(user_id)
            epoch = {"protocol_version": DAVE_VERSION, "epoch": FIRST_EPOCH}
            transition = {
                "protocol_version": DAVE_VERSION,
                "transition_id": INITIAL_TRANSITION,
            }
            effects.append(Json(user_id, Op.DAVE_PREPARE_EPOCH, epoch))
            effects.append(Json(user_id, Op.DAVE_PREPARE_TRANSITION, transition))
        return effects

    def _retire(self, member: _Member) -> list[Effect]:
        """Put a member back to pending: their leaf awaits a Remove, their Add is taken back."""
        if member.leaf is not None:
            self._departed.add(member.leaf)
            member.leaf = None
        member.key_package = None
        self._asked.discard(member.user_id)
        offered = any(offer.adds is member for offer in self._offers.values())
        return self._withdraw() if offered else []

    def _withdraw(self) -> list[Effect]:
        """Revoke the whole batch; what is still due is proposed anew.

        Not just one proposal of it: davey answers a revoke that leaves Adds over with a
        commit that lacks their Welcome, which nobody can use.
        """
        effects: list[Effect] = []
        for user_id in sorted(self._asked):
            refs = [offer.proposal.ref for offer in self._offers_for(user_id)]
            body = REVOKE + mls.vector(b"".join(mls.vector(ref) for ref in refs))
            effects.append(Binary(user_id, Op.MLS_PROPOSALS, body))
        self._offers.clear()
        self._asked.clear()
        return effects

    def _offers_for(self, user_id: int) -> list[_Offer]:
        """What a member may commit: everything but their own Add."""
        return [
            offer
            for offer in self._offers.values()
            if offer.adds is None or offer.adds.user_id != user_id
        ]

    def _seat(self, member: _Member, leaf: int, package: mls.KeyPackage | None = None) -> None:
        """Give a member a leaf and use up their key package."""
        package = package or member.key_package
        if package:
            self._keys[leaf] = package.leaf.signature_key
        member.leaf = leaf
        member.key_package = None

    def _free_leaf(self) -> int:
        """Where an Add goes: the leftmost blank leaf (RFC 9420, section 12.1.1)."""
        return next(leaf for leaf in range(len(self._keys) + 1) if leaf not in self._keys)

    def _next_transition(self) -> int:
        self._last_transition = self._last_transition % _TRANSITIONS + 1
        return self._last_transition

    def _execute_if_ready(self, transition_id: int) -> list[Effect]:
        transition = self._transitions.get(transition_id)
        if transition is None or transition.waiting_for:
            return []
        del self._transitions[transition_id]
        data = {"transition_id": transition_id}
        present = transition.members & self._members.keys()
        return [Json(user_id, Op.DAVE_EXECUTE_TRANSITION, data) for user_id in sorted(present)]
