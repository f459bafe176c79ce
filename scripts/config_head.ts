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
   \`USHERLNM_CONFIG\`, \`USHERCLI_CONFIG\`; of the shell \`USH_CONFIG\`), which must
   be there;
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

## Taking a change

A controller and a node read their files anew at SIGHUP, and so does the controller
at the word of its owner:

\`\`\`sh
usher ctrl reload --check         # what would be taken, and whether it would work
usher ctrl reload
\`\`\`

The tables say which keys a reload takes. Either all of them are taken, or, when
anything is wrong with any file or a plugin does not start, nothing is: the answer
and the log name file, line and key, and what runs goes on. A key that needs a
restart is told at each reload until then. A node that tells other labels, capacity
or overcommit begins its session anew for it, and no VM and no operation notices.
\`usher plugin reload\` takes the plugins alone, from anywhere, and warns of what else
differs. The command line reads its files each time.

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

## Programs of your own

\`getConfig\` of the client library ([clients.md](clients.md)) reads
\`/etc/usher/myapp.yaml\`, \`~/.usher/myapp.yaml\` and the file that \`$MYAPP_CONFIG\`
names, with a schema of zod, and tells mistakes as above. A \`cli\` section in any of
them goes over the \`cli.yaml\` files, for that program alone:

\`\`\`ts
import { connect, getConfig } from "@usher/client";
import { z } from "zod";

const { config, cli } = await getConfig(
  "myapp",
  z.strictObject({ interval: z.int().default(60) }),
);
\`\`\`
`;
