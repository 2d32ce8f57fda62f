/**
 * The systemd units that `fanal service print` writes.
 */

export interface ServiceOptions {
  /** The command, as an absolute path. */
  readonly program: string;
  readonly home: string;
  readonly config: string;
  readonly user: string;
}

export const DEFAULT_SERVICE: ServiceOptions = {
  program: '/usr/bin/fanal',
  home: '/var/lib/fanal',
  config: '/etc/fanal/fanal.toml',
  user: 'fanal',
};

export type UnitName =
  | 'fanal.service'
  | 'fanal-backup.service'
  | 'fanal-backup.timer'
  | 'fanal-snapshot.service'
  | 'fanal-snapshot.timer';

/**
 * What every unit is denied. MemoryDenyWriteExecute stays off: V8 compiles at run time and stops
 * with it on. ProcSubset stays at its default: counting processors reads /proc.
 */
const HARDENING = `NoNewPrivileges=true
ProtectSystem=strict
ProtectHome=true
ProtectClock=true
ProtectHostname=true
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectKernelLogs=true
ProtectControlGroups=true
ProtectProc=invisible
PrivateTmp=true
PrivateDevices=true
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
LockPersonality=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=
UMask=0077
LimitCORE=0`;

/** Prints every unit a host needs, by file name. */
export function printUnits(options: ServiceOptions = DEFAULT_SERVICE): Record<UnitName, string> {
  return {
    'fanal.service': nodeUnit(options),
    'fanal-backup.service': taskUnit(options, 'Verified backup of Fanal', 'backup create --verify'),
    'fanal-backup.timer': timerUnit('Nightly backup of Fanal', 'daily'),
    'fanal-snapshot.service': taskUnit(options, 'Snapshot of Fanal', 'snapshot create'),
    'fanal-snapshot.timer': timerUnit('Snapshots of Fanal', '*-*-* 00,12:00:00'),
  };
}

function nodeUnit(options: ServiceOptions): string {
  return `[Unit]
Description=Fanal node
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=exec
User=${options.user}
ExecStart=${options.program} start --home ${options.home} --config ${options.config}
LoadCredentialEncrypted=keystore-password:/etc/credstore.encrypted/fanal-keystore-password
Restart=on-failure
RestartSec=5
# 2 usage, 3 config, 6 refused for safety: a restart would change nothing, or do harm.
RestartPreventExitStatus=2 3 6
KillSignal=SIGINT
TimeoutStopSec=120
StateDirectory=fanal
StateDirectoryMode=0700
ConfigurationDirectory=fanal
RuntimeDirectory=fanal
LimitNOFILE=65536
${HARDENING}

[Install]
WantedBy=multi-user.target
`;
}

function taskUnit(options: ServiceOptions, description: string, command: string): string {
  return `[Unit]
Description=${description}
After=fanal.service

[Service]
Type=oneshot
User=${options.user}
ExecStart=${options.program} ${command} --home ${options.home} --config ${options.config}
LoadCredentialEncrypted=keystore-password:/etc/credstore.encrypted/fanal-keystore-password
StateDirectory=fanal
StateDirectoryMode=0700
${HARDENING}
`;
}

function timerUnit(description: string, calendar: string): string {
  return `[Unit]
Description=${description}

[Timer]
OnCalendar=${calendar}
Persistent=true
RandomizedDelaySec=30m

[Install]
WantedBy=timers.target
`;
}
