/**
 * The words of docs/configuration.md before its tables.
 *
 * @module
 */

/** The beginning of the page. */
export const CONFIG_HEAD = `# Configuration

Made from the schemas in \`src/schema/\` by \`scripts/config_docs.ts\`, and so are
the default files in \`configs/\`, in which every option stands with what it does.

A configuration is made of these files, as far as they are there, each key of a
later one winning:

1. \`/etc/usher/NAME.yaml\`, for the machine;
2. \`~/.usher/NAME.yaml\`, for the user;
3. the file that \`$USHERNAME_CONFIG\` names (\`USHERCTRL_CONFIG\`,
   \`USHERLNM_CONFIG\`, \`USHERCLI_CONFIG\`), which must be there;
4. the file that \`--config\` names, which must be there;
5. flags.

Sections are merged key by key; lists are replaced as a whole. An unknown key is
refused, with file, line, column and the nearest known key. A file is UTF-8, of
1 MiB at most.

\`\`\`sh
usher config show ctrl --origin   # every value, and the file and line, or flag, it is from
usher config check                # all that is wrong with all files of this machine
usher config check ctrl FILE      # a file that is to become the controller's
\`\`\`

Neither starts anything. What a controller makes of the options of its plugins
\`usher plugin reload --check\` tells.

## Secrets

A password does not belong into a configuration, which is read, copied and shown.
Plugins take the path of a file that holds the secret and nothing else
(\`password_file\`, \`secret_file\`, \`mgrpw_file\`), owned by the user that the
controller runs as, mode 0600, with a grant to read it. What stands under
\`options\` of a plugin and is named like a secret (\`password\`, \`token\`, \`api_key\`
and the like), and the password in an address, is not shown by
\`usher config show\`.

## Values

Durations are written with their unit (\`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\`), sizes
as \`512MiB\` or \`4GiB\`; a bare number is MiB.
`;
