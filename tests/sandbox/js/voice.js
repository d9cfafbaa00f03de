// A bot written with discord.js and @discordjs/voice, for test_discord_js.py to hear.
//
// It takes SANDBOX (https://host:port), TOKEN and SOUND (an Ogg/Opus file) from the
// environment, joins the first voice channel, plays the file once its keys are agreed
// on, and writes one JSON line for each thing that happened. It ends with its input.

import { createReadStream } from "node:fs";

import {
  AudioPlayerStatus,
  createAudioPlayer,
  createAudioResource,
  entersState,
  joinVoiceChannel,
  StreamType,
  VoiceConnectionStatus,
} from "@discordjs/voice";
import { ChannelType, Client, Events, GatewayIntentBits } from "discord.js";

const { SANDBOX, TOKEN, SOUND } = process.env;
const say = (kind, body = {}) => console.log(JSON.stringify({ kind, ...body }));

const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildVoiceStates],
  rest: { api: `${SANDBOX}/api` },
});
const player = createAudioPlayer();
let connection;

const play = () =>
  player.play(createAudioResource(createReadStream(SOUND), { inputType: StreamType.OggOpus }));

client.once(Events.ClientReady, async () => {
  const guild = client.guilds.cache.first();
  const channel = guild.channels.cache.find((each) => each.type === ChannelType.GuildVoice);
  connection = joinVoiceChannel({
    channelId: channel.id,
    guildId: guild.id,
    adapterCreator: guild.voiceAdapterCreator,
    selfDeaf: false,
  });
  connection.on("transitioned", (id) => say("transitioned", { id }));
  connection.on("error", (error) => say("error", { message: String(error) }));
  connection.subscribe(player);
  await entersState(connection, VoiceConnectionStatus.Ready, 10_000);
  say("joined", { code: connection.voicePrivacyCode ?? null });
});

player.on(AudioPlayerStatus.Idle, () => say("played"));
player.on("error", (error) => say("error", { message: String(error) }));

process.stdin.setEncoding("utf8");
process.stdin.on("data", (line) => {
  if (line.includes("play")) play();
  if (line.includes("leave")) connection.destroy();
});
process.stdin.on("end", () => {
  if (connection?.state.status !== VoiceConnectionStatus.Destroyed) connection?.destroy();
  client.destroy();
  process.exit(0);
});
process.on("unhandledRejection", (error) => {
  say("error", { message: String(error) });
  process.exit(1);
});

client.login(TOKEN);
