// Writes two projects: a tiny one, of one record each, and a hostile one, whose every name tries to break the page.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const work = process.argv[2];
const write = (project, name, text) => {
  const path = join(work, project, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};
const lines = (records) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

const project = (folder, names) => {
  const stamp = '2026-06-30T12-00-00Z-0001.ndjson';
  const each = (make) => lines(names.flatMap((name, n) => make(name, n)));
  write(folder, `raw_data/pagerduty_teams/${stamp}`, each((name, n) => ({ id: `T${n}`, name })));
  write(folder, `raw_data/pagerduty_users/${stamp}`, each((name, n) => ({
    id: `U${n}`, name, time_zone: 'Europe/Berlin', teams: [{ id: `T${n}`, summary: name }], contact_methods: [],
  })));
  write(folder, `raw_data/pagerduty_services/${stamp}`, each((name, n) => ({
    id: `S${n}`, name, status: 'active', created_at: '2026-01-01T00:00:00Z', teams: [{ id: `T${n}`, summary: name }],
  })));
  const moment = (day, minute) => new Date(Date.UTC(2026, 0, 1 + day, 9, minute)).toISOString().replace('.000', '');
  const pages = names.flatMap((name, n) => [...Array(names.length > 1 ? 12 : 1).keys()].map((k) => ({ name, n, k, id: `P${n}-${k}` })));
  write(folder, `raw_data/pagerduty_incidents/${stamp}`, lines(pages.map(({ name, n, k, id }) => ({
    id, title: name, status: 'resolved', urgency: 'high', created_at: moment(k * 9 + n, 0), resolved_at: moment(k * 9 + n, 30 + k),
    service: { id: `S${n}`, summary: name }, teams: [{ id: `T${n}`, summary: name }], priority: { summary: 'P1' },
  }))));
  write(folder, `raw_data/pagerduty_log_entries/${stamp}`, lines(pages.flatMap(({ name, n, k, id }) => [
    { id: `${id}n`, type: 'notify_log_entry', created_at: moment(k * 9 + n, 1), incident: { id }, user: { id: `U${n}`, summary: name },
      channel: { notification: { type: 'push_notification', status: 'success' } } },
    { id: `${id}a`, type: 'acknowledge_log_entry', created_at: moment(k * 9 + n, 3 + k), incident: { id }, agent: { id: `U${n}`, type: 'user_reference', summary: name } },
  ])));
  write(folder, `raw_data/sentry_projects/${stamp}`, each((name, n) => ({ id: `${n}`, slug: name, name })));
  write(folder, `raw_data/datadog_monitors/${stamp}`, each((name, n) => ({ id: n, name, overall_state: 'No Data', tags: [`team:${name}`], created: '2026-01-01T00:00:00Z' })));
  write(folder, `raw_data/github_repos/${stamp}`, each((name, n) => ({ id: n, name, full_name: `acme/${name}` })));
  // YAML takes JSON.
  write(folder, 'incidents/all.yaml', JSON.stringify(names.map((name, n) => ({
    incident_name: name, postmortem_link: `https://wiki.example/${n}`, incident_date: moment(n, 0).slice(0, 10),
    affected_entities: [{ entity_name: name, products: [name] }], root_causes: [name, 'Software'], severity_level: name.slice(0, 60),
    stats: { time_of_first_trigger: moment(n, 0), time_of_internal_detect: moment(n, 5), time_of_recovery: moment(n, 45) },
  }))));
};

project('tiny', ['checkout']);
project('hostile', [
  '<script>document.title = "broken"</script>',
  '"><img src=x onerror="document.title=\'broken\'">',
  '</script><script>document.title = "broken"</script>',
  '</style><h1>broken</h1>',
  "' onmouseover='document.title=1",
  'a\u2028b\u2029c',
  'ا'.repeat(30) + ' عربي ' + '\u202eslaer',
  'W'.repeat(10_000),
  '=cmd|"/c calc"!A1',
  '{{7*7}} ${7*7} %00 \\u003c',
]);
