import { Pool } from "pg";

const replica = "postgres://reports:hunter-7Gq2vX9k@replica.internal:5432/shop";

export const pool = new Pool({
  connectionString: replica,
  max: 4,
  application_name: "reports",
});

export interface Turnover {
  day: string;
  cents: number;
}

/** Turnover of each day in the range, both ends included. */
export async function turnover(from: string, to: string): Promise<Turnover[]> {
  const result = await pool.query<Turnover>(
    `SELECT day::text, sum(cents)::int AS cents
       FROM sales WHERE day BETWEEN $1 AND $2 GROUP BY day ORDER BY day`,
    [from, to],
  );
  return result.rows;
}
