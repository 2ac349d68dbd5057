import type pg from 'pg';

/** What PostgreSQL did to answer a query. */
export interface Plan {
  /** Rows fetched from tables and indexes, those included that a filter threw away, repetitions too. */
  readonly rowsRead: number;
  /** Pages looked at, whether they lay in memory or not. Shows what an index scan skips without calling it a row. */
  readonly pages: number;
  /** The most rows that were put in order for one step. */
  readonly rowsSorted: number;
  readonly indexes: readonly string[];
  /** Tables read from end to end. */
  readonly readWhole: readonly string[];
  readonly planningMs: number;
  readonly executionMs: number;
  /** One line a node, for the message of a failed assertion. */
  readonly text: string;
}

/** A node as EXPLAIN gives it; rows are the average of all loops. */
interface Node {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Index Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly Node[];
}

interface Explained {
  readonly Plan: Node;
  readonly 'Planning Time': number;
  readonly 'Execution Time': number;
}

/** Runs the query and tells how, planned as an unnamed statement with these parameters is. */
export async function explain(
  client: Pick<pg.ClientBase, 'query'>,
  query: { readonly sql: string; readonly parameters: readonly unknown[] },
): Promise<Plan> {
  const { rows } = await client.query<{ 'QUERY PLAN': readonly Explained[] }>(
    `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${query.sql}`,
    [...query.parameters],
  );
  const [explained] = rows[0]?.['QUERY PLAN'] ?? [];
  if (explained === undefined) throw new Error('EXPLAIN gave no plan');
  const root = explained.Plan;
  const nodes = flat(root, 0);
  return {
    rowsRead: sum(nodes.filter(({ node }) => reads(node)).map(({ node }) => rowsOf(node))),
    pages: (root['Shared Hit Blocks'] ?? 0) + (root['Shared Read Blocks'] ?? 0),
    rowsSorted: Math.max(0, ...nodes.filter(({ node }) => sorts(node)).map(({ node }) => sortedBy(node))),
    indexes: nodes.flatMap(({ node }) => node['Index Name'] ?? []),
    readWhole: nodes.flatMap(({ node }) =>
      node['Node Type'] === 'Seq Scan' ? (node['Relation Name'] ?? '') : [],
    ),
    planningMs: explained['Planning Time'],
    executionMs: explained['Execution Time'],
    text: nodes.map(({ node, depth }) => line(node, depth)).join('\n'),
  };
}

const flat = (node: Node, depth: number): { node: Node; depth: number }[] => [
  { node, depth },
  ...(node.Plans ?? []).flatMap((child) => flat(child, depth + 1)),
];

/** Scans of tables and indexes, not of what other nodes made. */
const reads = (node: Node): boolean =>
  node['Relation Name'] !== undefined || node['Node Type'] === 'Bitmap Index Scan';

const sorts = (node: Node): boolean => node['Node Type'].endsWith('Sort');

const rowsOf = (node: Node): number =>
  (node['Actual Rows'] +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0)) *
  node['Actual Loops'];

/** A sort under a limit gives fewer rows than it takes. */
const sortedBy = (node: Node): number =>
  sum((node.Plans ?? []).map((child) => child['Actual Rows'] * node['Actual Loops']));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

function line(node: Node, depth: number): string {
  const on = [node['Index Name'], node['Relation Name']].filter((name) => name !== undefined).join(' on ');
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return `${'  '.repeat(depth)}${node['Node Type']} ${on} rows=${node['Actual Rows']} removed=${removed} loops=${node['Actual Loops']}`;
}
