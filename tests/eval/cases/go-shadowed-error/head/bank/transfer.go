package bank

import (
	"context"
	"database/sql"
	"errors"
)

var ErrFunds = errors.New("not enough funds")

// Transfer moves cents between two accounts, or changes nothing.
func Transfer(ctx context.Context, db *sql.DB, from, to int64, cents int64, audit bool) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback()
			return
		}
		_ = tx.Commit()
	}()

	var balance int64
	err = tx.QueryRowContext(ctx, `SELECT cents FROM accounts WHERE id = $1 FOR UPDATE`, from).Scan(&balance)
	if err != nil {
		return err
	}
	if balance < cents {
		err = ErrFunds
		return err
	}
	if _, err = tx.ExecContext(ctx, `UPDATE accounts SET cents = cents - $1 WHERE id = $2`, cents, from); err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, `UPDATE accounts SET cents = cents + $1 WHERE id = $2`, cents, to); err != nil {
		return err
	}
	if audit {
		_, err := tx.ExecContext(ctx, `INSERT INTO audit (source, target, cents) VALUES ($1, $2, $3)`, from, to, cents)
		if err != nil {
			return err
		}
	}
	return nil
}
