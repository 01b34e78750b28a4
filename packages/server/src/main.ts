#!/usr/bin/env node
// The process: load the settings, compose, listen, say where things are, drain on a signal, exit with a code.
import { once } from 'node:events';
import type { Server } from 'node:http';
import closeWithGrace from 'close-with-grace';
import { type Command, parseCommand, runCommand } from './commands.ts';
import { compose, URL_FAULTS } from './compose.ts';
import { helpText, loadConfig, processSources } from './config.ts';

/** What comes after the drain - telling uploads to end, closing stores - takes less. */
const CLOSE_MS_MAX = 15_000;

const sources = processSources();
if (sources.args.includes('--help')) {
  process.stdout.write(`${helpText()}\n`);
  process.exit(0);
}
const typed = parseCommand(sources.args);
const loaded =
  'fault' in typed
    ? { ok: false as const, faults: [typed.fault] }
    : loadConfig({ ...sources, args: typed.rest }, URL_FAULTS);
if (!loaded.ok) {
  process.stderr.write(
    `Latchkey cannot start with these settings:\n${loaded.faults.map((fault) => `  - ${fault}\n`).join('')}`,
  );
  process.exit(2);
}
const { config, warnings, resolved } = loaded;
if ('command' in typed && typed.command !== undefined) await commandAndExit(typed.command);

try {
  const service = await compose(config);
  service.ports.system.log.info('settings.resolved', { settings: resolved });
  const drainMs = (config.drainDelaySeconds + config.drainSeconds) * 1000;
  closeWithGrace({ delay: drainMs + CLOSE_MS_MAX }, async ({ err }) => {
    if (err === undefined) await service.drain();
    else service.ports.system.log.error('process.failed', { error: err });
    await service.close();
  });
  await service.app.listen({ host: config.host, port: config.port });
  if (config.metricsListen !== undefined) await listen(service.metrics, config.metricsListen);
  await announce(service);
} catch (error) {
  process.stderr.write(`Latchkey cannot start: ${reasons(error).join(': ')}\n`);
  process.exit(1);
}

/** What went wrong, and behind it what a library said of it: an operator needs both. */
function reasons(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : reasons(error.cause))];
}

/** Does what was asked and ends: 0 when it is done, 1 with the reason when not. */
async function commandAndExit(command: Command): Promise<never> {
  try {
    process.stdout.write(`${await runCommand(command, config)}\n`);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`Latchkey cannot ${command.name}: ${reasons(error).join(': ')}\n`);
    process.exit(1);
  }
}

/** Rejects when the address is taken. */
async function listen(server: Server | undefined, address: { readonly host: string; readonly port: number }) {
  if (server === undefined) return;
  server.listen(address);
  await once(server, 'listening');
}

/** What a person needs to go on, once, on standard output. */
async function announce(service: Awaited<ReturnType<typeof compose>>): Promise<void> {
  const addresses = service.app.addresses().filter((address) => typeof address !== 'string');
  const address = addresses.find(({ family }) => family === 'IPv4') ?? addresses[0];
  const host =
    address === undefined || address.address === '0.0.0.0' || address.address === '::' ? 'localhost' : address.address;
  const base = config.publicUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${address?.port ?? config.port}`;
  const lines = [
    '',
    'Latchkey is ready.',
    '',
    `  Console   ${base}/console/`,
    `  Sign in   ${base}/console/login#token=${await service.loginToken()}   (works once, for 15 minutes)`,
    ...(config.demo === 'on' ? [`  Demo      ${base}/demo/`, `            ${base}/demo/plain.html`] : []),
    `  API       ${base}/${config.container}/v5/`,
    ...(service.generatedAdminKey === undefined
      ? []
      : [
          '',
          `  Admin key ${service.generatedAdminKey}`,
          '            Shown this once. Keep it on servers only, never in a page.',
        ]),
    '',
    ...warnings.map((warning) => `  Warning: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
