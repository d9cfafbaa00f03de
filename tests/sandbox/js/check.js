// A bot written with discord.js, for test_discord_js.py to talk with.
//
// It takes SANDBOX (https://host:port) and TOKEN from the environment, trusts the
// sandbox through NODE_EXTRA_CA_CERTS, and writes one JSON line for each thing it
// saw. It ends when its standard input does.

import {
  ActionRowBuilder,
  ApplicationCommandOptionType as Option,
  ApplicationCommandType as Kind,
  AttachmentBuilder,
  ButtonBuilder,
  ButtonStyle,
  Client,
  EmbedBuilder,
  Events,
  GatewayIntentBits,
  ModalBuilder,
  Partials,
  StringSelectMenuBuilder,
  TextInputBuilder,
  TextInputStyle,
} from "discord.js";

const { SANDBOX, TOKEN } = process.env;
const say = (kind, body = {}) => console.log(JSON.stringify({ kind, ...body }));
const text = { name: "text", description: "What to say", type: Option.String, required: true };

const commands = [
  { name: "echo", description: "Says it again", options: [text] },
  { name: "slow", description: "Thinks first" },
  { name: "panel", description: "A button and a select" },
  {
    name: "weigh",
    description: "Counts the bytes of a file",
    options: [{ name: "file", description: "What", type: Option.Attachment, required: true }],
  },
  {
    name: "voice",
    description: "A group",
    options: [
      {
        name: "set",
        description: "Chooses",
        type: Option.Subcommand,
        options: [{ ...text, name: "name", autocomplete: true }],
      },
    ],
  },
  { name: "Quote", type: Kind.Message },
];

const client = new Client({
  intents: [
    GatewayIntentBits.Guilds,
    GatewayIntentBits.GuildMembers,
    GatewayIntentBits.GuildMessages,
    GatewayIntentBits.DirectMessages,
    GatewayIntentBits.MessageContent,
  ],
  partials: [Partials.Channel],
  rest: { api: `${SANDBOX}/api` },
});

// Attachments live on Discord's CDN host, which only the sandbox's address stands for here.
const download = async (url) => {
  const { pathname, search } = new URL(url);
  return Buffer.from(await (await fetch(`${SANDBOX}${pathname}${search}`)).arrayBuffer());
};

client.once(Events.ClientReady, async () => {
  const guild = client.guilds.cache.first();
  const members = await guild.members.fetch();
  const registered = await client.application.commands.set(commands);
  say("ready", {
    user: client.user.username,
    guild: guild.name,
    channels: guild.channels.cache.map((channel) => channel.name),
    members: members.map((member) => member.user.username).sort(),
    commands: registered.map((command) => command.name).sort(),
  });
});

client.on(Events.MessageCreate, async (message) => {
  if (message.author.bot) return;
  const sizes = [];
  for (const file of message.attachments.values()) sizes.push((await download(file.url)).length);
  say("message", { content: message.content, direct: !message.guildId, sizes });
  const embed = new EmbedBuilder().setTitle("heard").setDescription(message.content || "nothing");
  const file = new AttachmentBuilder(Buffer.from("OggS"), { name: "reply.ogg" });
  const reply = await message.reply({
    content: `re: ${message.content}`,
    embeds: [embed],
    files: [file],
    allowedMentions: { parse: [], repliedUser: false },
  });
  await reply.react("👍");
  await reply.edit({ content: "edited", embeds: [] });
});

const handlers = {
  echo: (interaction) => interaction.reply(interaction.options.getString("text")),
  slow: async (interaction) => {
    await interaction.deferReply();
    await interaction.editReply("slowly");
    const more = await interaction.followUp({ content: "more", flags: ["Ephemeral"] });
    say("followed up", { id: more.id, original: (await interaction.fetchReply()).content });
  },
  panel: (interaction) => {
    const button = new ButtonBuilder()
      .setCustomId("go")
      .setLabel("Go")
      .setStyle(ButtonStyle.Primary);
    const select = new StringSelectMenuBuilder()
      .setCustomId("pick")
      .addOptions({ label: "Joe", value: "joe" }, { label: "Amy", value: "amy" });
    return interaction.reply({
      content: "panel",
      components: [
        new ActionRowBuilder().addComponents(button),
        new ActionRowBuilder().addComponents(select),
      ],
    });
  },
  weigh: async (interaction) => {
    const file = interaction.options.getAttachment("file");
    await interaction.reply(`${file.name}: ${(await download(file.url)).length}`);
  },
  voice: (interaction) => interaction.reply(`set ${interaction.options.getString("name")}`),
  Quote: (interaction) => interaction.reply(`> ${interaction.targetMessage.content}`),
  go: (interaction) => {
    const input = new TextInputBuilder()
      .setCustomId("why")
      .setLabel("Why")
      .setStyle(TextInputStyle.Short);
    return interaction.showModal(
      new ModalBuilder()
        .setCustomId("form")
        .setTitle("Form")
        .addComponents(new ActionRowBuilder().addComponents(input)),
    );
  },
  pick: (interaction) => interaction.update({ content: interaction.values[0], components: [] }),
  form: (interaction) => interaction.reply(interaction.fields.getTextInputValue("why")),
};

client.on(Events.InteractionCreate, async (interaction) => {
  if (interaction.isAutocomplete()) {
    const typed = interaction.options.getFocused();
    const found = ["joe", "amy"].filter((name) => name.startsWith(typed));
    await interaction.respond(found.map((name) => ({ name, value: name })));
    return;
  }
  await handlers[interaction.commandName ?? interaction.customId](interaction);
});

client.on(Events.ShardResume, () => say("resumed"));
client.on(Events.Error, (error) => say("error", { message: error.message }));
process.on("unhandledRejection", (error) => say("error", { message: String(error) }));
process.stdin.resume().on("end", () => client.destroy().then(() => process.exit(0)));
await client.login(TOKEN);
