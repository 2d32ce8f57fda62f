/**
 * What `fanal testnet files` puts beside the keys in each host's folder.
 */
import type { ServiceOptions } from '../operate/service.ts';

export const READ_ME = `# A validator of a test network

Copy this folder to its host, where \`fanal\` is installed, and run there as root:

    ./install.sh

It makes the account \`fanal\`, puts \`home/\` where the units look for it, encrypts the password for
this host alone, and starts the node and its timers. Run again, it stops before it touches anything.

To try the folder without installing it, as any account:

    FANAL_KEYS_PASSWORD_FILE=keystore-password fanal start --home home

Whoever made this folder knows its keys, and the same keys must never run twice: remove the folder
once it is installed. For a network of coins that are worth something, each operator makes keys of
their own, as the operator's handbook says under Ceremony.
`;

/** Puts a host's folder in its place; refuses where a validator is already. */
export function installScript({ program, home, config, user }: ServiceOptions): string {
  return `#!/bin/sh
# Installs this validator on this host. Run it as root.
set -eu
cd "$(dirname "$0")"
if [ "$(id -u)" -ne 0 ]; then
  echo "run this as root" >&2
  exit 2
fi
if [ ! -x ${program} ]; then
  echo "${program} is missing: install fanal first" >&2
  exit 3
fi
if [ -e ${home}/validator-keys.json ]; then
  echo "a validator is in ${home} already" >&2
  exit 6
fi
id ${user} >/dev/null 2>&1 || useradd --system --home-dir ${home} --shell /usr/sbin/nologin ${user}
install -d -m 0700 -o ${user} -g ${user} ${home}
cp -R home/. ${home}/
chown -R ${user}:${user} ${home}
install -d -m 0755 "$(dirname ${config})"
install -m 0640 -g ${user} home/fanal.toml ${config}
install -d -m 0700 /etc/credstore.encrypted
systemd-creds encrypt --name=keystore-password keystore-password \\
  /etc/credstore.encrypted/fanal-keystore-password
install -m 0644 units/* /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now fanal.service fanal-snapshot.timer fanal-backup.timer
echo "fanal runs; see: journalctl -u fanal"
`;
}
