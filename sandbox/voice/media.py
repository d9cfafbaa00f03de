"""Sound on its way: UDP packets to sessions by SSRC, through the faults, into the call."""

from __future__ import annotations

import asyncio
import struct

from sandbox.ports import VoiceWorld
from sandbox.voice.faults import VoiceFaults
from sandbox.voice.rtp import RtpError, parse_header, payload_of, ssrc_of
from sandbox.voice.sealing import open_packet
from sandbox.voice.session import Session
from sandbox.voice.udp import Address, UdpPort

ANNOUNCE_S = 0.25
"""How much sooner than op 5 over TCP the first sound over UDP may arrive."""
REPORT_PACKETS = 250
"""A receiver report is sent for so many packets, five seconds of sound."""
_DISCOVERY = struct.Struct(">HHI64sH")  # type, length, SSRC, address, port: 74 bytes
_DISCOVERY_REQUEST, _DISCOVERY_RESPONSE, _DISCOVERY_LENGTH = 1, 2, 70
_KEEP_ALIVE_BYTES = 8


class Media:
    """The one UDP port of a voice host, and the sessions that send to it."""

    def __init__(self, world: VoiceWorld, faults: VoiceFaults, ip: str) -> None:
        self._world = world
        self._faults = faults
        self._udp = UdpPort(ip, self._on_datagram)
        self._sessions: dict[int, Session] = {}
        self._muted: set[tuple[int, int]] = set()

    @property
    def address(self) -> Address:
        """Where clients send their sound."""
        return self._udp.ip, self._udp.port

    def admit(self, session: Session) -> None:
        """Take packets with this session's SSRC from now on."""
        self._sessions[session.ssrc] = session

    def dismiss(self, session: Session) -> None:
        """Take them no more."""
        self._sessions.pop(session.ssrc, None)

    def mute(self, guild_id: int, user_id: int, muted: bool) -> None:
        """Drop what this user sends, or stop doing so."""
        change = self._muted.add if muted else self._muted.discard
        change((guild_id, user_id))

    def report(self, session: Session) -> None:
        """Send an RTCP receiver report.

        discord.py counts on some packet coming in after IP discovery: until one does, its
        reader waits up to 30 s on the socket that it has, even if a move has given it another.
        """
        if session.address and session.cipher:
            self._udp.send(session.report(session.cipher), session.address)

    def close(self) -> None:
        """Close the socket."""
        self._udp.close()

    def _on_datagram(self, data: bytes, sender: Address, age_s: float) -> None:
        if len(data) == _DISCOVERY.size and data[:2] == _DISCOVERY_REQUEST.to_bytes(2, "big"):
            self._discover(data, sender)
        elif len(data) == _KEEP_ALIVE_BYTES:
            self._udp.send(data, sender)
        elif session := self._sessions.get(ssrc_of(data)):
            self._carry(session, data, self._world.clock.real_s() - age_s)

    def _discover(self, data: bytes, sender: Address) -> None:
        """IP discovery: tell the client the address its packets come from."""
        _, length, ssrc, _, _ = _DISCOVERY.unpack(data)
        session = self._sessions.get(ssrc)
        if session and length == _DISCOVERY_LENGTH:
            session.address = sender
            ip, port = sender
            reply = (_DISCOVERY_RESPONSE, _DISCOVERY_LENGTH, ssrc, ip.encode(), port)
            self._udp.send(_DISCOVERY.pack(*reply), sender)

    def _carry(self, session: Session, packet: bytes, arrived_s: float) -> None:
        """Put a packet through the network's faults."""
        if self._faults.loses_packet():
            return
        if delay_s := self._faults.packet_delay_s():
            loop = asyncio.get_running_loop()
            loop.call_later(delay_s, self._take, session, packet, arrived_s + delay_s)
        else:
            self._take(session, packet, arrived_s)

    def _take(self, session: Session, packet: bytes, arrived_s: float) -> None:
        """Open the transport encryption and hand the frame to the call."""
        if session.cipher is None or session.call is None:
            return
        if not session.announced and not session.packets:
            asyncio.get_running_loop().call_later(ANNOUNCE_S, self._check_announced, session)
        session.packets += 1
        if session.packets % REPORT_PACKETS == 0:
            self.report(session)
        ticket = session.ticket
        try:
            header = parse_header(packet)
            payload = payload_of(header, open_packet(session.cipher, header, packet))
        except RtpError as error:
            self._world.note(
                "voice.rejected",
                guild_id=ticket.guild_id,
                user_id=ticket.user_id,
                reason=str(error),
            )
            return
        if (ticket.guild_id, ticket.user_id) not in self._muted:
            session.call.media(ticket.user_id, header, payload, arrived_s)
            self._world.poke()

    def _check_announced(self, session: Session) -> None:
        if not session.announced:
            self._world.violate("voice.speaking", "sound came without an op 5 to announce it")
