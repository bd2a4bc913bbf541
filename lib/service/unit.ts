/** The systemd unit that keeps the relay running, as text. */

import { DOTENV_CREDENTIAL } from "../config/dotenv_file.ts";

/** Where the parts of the service lie. */
export interface ServicePaths {
  /** Absolute path of the executable. */
  executable: string;
  /** Name of the folder under `/etc` that holds the config, and under `/var/lib` that holds the store. */
  name: string;
}

/** What `relay service install` sets up. */
export const servicePaths: ServicePaths = { executable: "/usr/local/bin/relay", name: "relay" };

/**
 * The unit's text, for systemd 247 and later. `RestartPreventExitStatus` is the exit code of a bad config, which a restart
 * would not mend.
 *
 * `ConfigurationDirectory` leaves owner and mode of a folder that is there as they are, and systemd reads `.env` and
 * credentials before it gives up root: all of them may be root's alone.
 */
export function unitText({ executable, name }: ServicePaths = servicePaths): string {
  const config = `/etc/${name}/relay.config.ts`;
  return `[Unit]
Description=relay: receives webhooks, stores them, delivers them
Wants=network-online.target
# A database on this machine is stopped after the relay, if the store is there.
After=network-online.target postgresql.service
# However often it ends: what stops it, such as a full disk, may be mended while nobody looks.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=${executable} serve --config ${config}
# With a config that is not sound the relay goes on with the one it has, and says so in its log and its status.
ExecReload=/bin/sh -c "kill -HUP $$MAINPID"
Restart=on-failure
RestartSec=1
RestartPreventExitStatus=78
# A newer version may have a large store to bring up to date.
TimeoutStartSec=15min
WatchdogSec=30
# While one process follows another, connections wait at the socket that systemd keeps for the relay.
FileDescriptorStoreMax=1
# A stop lets scripts that are running come to their end; one that takes too much memory does not take the relay with it.
KillMode=mixed
OOMPolicy=continue

# Who may read what: the store is the service's alone; config and secrets may be root's alone.
DynamicUser=yes
StateDirectory=${name}
StateDirectoryMode=0700
ConfigurationDirectory=${name}
EnvironmentFile=-/etc/${name}/.env
# The same file once more: systemd and other readers differ in quotes and comments, and the relay goes by its own reading.
LoadCredential=${DOTENV_CREDENTIAL}:/etc/${name}/.env
SetCredential=${DOTENV_CREDENTIAL}:#
# A secret for \`credential("webhook")\` in the config, from a file that only root can read:
#LoadCredential=webhook:/etc/${name}/webhook.secret
UMask=0077
LimitCORE=0

# What neither the relay nor its scripts may do. A script that writes elsewhere needs ReadWritePaths=, one that lies or
# writes under /home ProtectHome=no, in a file of your own: systemctl edit ${name}
# Not set: MemoryDenyWriteExecute, as JavaScript is compiled while it runs; PrivateNetwork, as events come and go by it.
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
LockPersonality=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources

[Install]
WantedBy=multi-user.target
`;
}
