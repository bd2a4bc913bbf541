/** The systemd unit that keeps the relay running, as text. */

import { DOTENV_CREDENTIAL } from "../config/dotenv_file.ts";

/** Where the parts of the service are. */
export interface ServicePaths {
  /** Absolute path of the executable. */
  executable: string;
  /** Name of the folder under `/etc` that holds the config, and under `/var/lib` that holds the store. */
  name: string;
}

/** What `relay service install` sets up. */
export const servicePaths: ServicePaths = { executable: "/usr/local/bin/relay", name: "relay" };

/**
 * The unit's text, for systemd 247 and later. `RestartPreventExitStatus` is the exit code of an invalid config, which a
 * restart would not fix.
 *
 * `ConfigurationDirectory` does not change the owner or mode of a folder that exists, and systemd reads `.env` and
 * credentials while it is root: all of them may be readable by root alone.
 */
export function unitText({ executable, name }: ServicePaths = servicePaths): string {
  const config = `/etc/${name}/relay.config.ts`;
  return `[Unit]
Description=relay: receives webhooks, stores them, delivers them
Wants=network-online.target
# A database on this machine is stopped after the relay, if the store is there.
After=network-online.target postgresql.service
# Restart it however often it ends: what stops it, such as a full disk, may be fixed meanwhile.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=${executable} serve --config ${config}
# If the config is not valid, the relay keeps the one it has, and says so in its log and its status.
ExecReload=/bin/sh -c "kill -HUP $$MAINPID"
Restart=on-failure
RestartSec=1
RestartPreventExitStatus=78
# A newer version may have a large store to upgrade.
TimeoutStartSec=15min
WatchdogSec=30
# During a restart, connections wait at the socket that systemd keeps for the relay.
FileDescriptorStoreMax=1
# A stop lets running scripts finish; a script that uses too much memory does not end the relay.
KillMode=mixed
OOMPolicy=continue

# Only the service can read the store; config and secrets may be readable by root alone.
DynamicUser=yes
StateDirectory=${name}
StateDirectoryMode=0700
ConfigurationDirectory=${name}
EnvironmentFile=-/etc/${name}/.env
# The same file again: systemd treats quotes and comments in its own way, and the relay reads the file by its own rules.
LoadCredential=${DOTENV_CREDENTIAL}:/etc/${name}/.env
SetCredential=${DOTENV_CREDENTIAL}:#
# A secret for \`credential("webhook")\` in the config, from a file that only root can read:
#LoadCredential=webhook:/etc/${name}/webhook.secret
UMask=0077
LimitCORE=0

# What neither the relay nor its scripts may do. A script that writes elsewhere needs ReadWritePaths=, and one that is or
# writes under /home needs ProtectHome=no: set these with systemctl edit ${name}
# Not set: MemoryDenyWriteExecute, because JavaScript is compiled at run time; PrivateNetwork, because events need it.
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
