package store

import (
	"context"
	"errors"
	"log/slog"
	"strings"
)

// wallKey marks a context that sees one tenant.
type wallKey struct{}

// nobody is no tenant's id.
const nobody = "(nobody)"

// Within gives a context in which PostgreSQL shows one tenant and no other:
// whatever an act, a count or a view with it forgets to ask for, it reads,
// changes and makes rows of that tenant alone (migration 0005). The wall around
// an act is that of the context the act was begun with. A context within another
// one sees the later tenant; without a tenant it sees nothing. On SQLite it does
// nothing.
//
// Foreign keys and unique keys look over the wall, as they must. Where a
// statement makes a row of another tenant, or meets one by a key of the whole
// platform, it fails with fault.Unavailable, as a defect should.
func Within(ctx context.Context, tenantID string) context.Context {
	if tenantID == "" {
		tenantID = nobody
	}
	return context.WithValue(ctx, wallKey{}, tenantID)
}

// Outside gives ctx without its wall, for what the program does across tenants
// though a request of one of them set it off. Say why where you use it.
func Outside(ctx context.Context) context.Context {
	if walledIn(ctx) == "" {
		return ctx
	}
	return context.WithValue(ctx, wallKey{}, "")
}

// Outside runs do without the wall of the act or view tx, for one look at what
// stands behind another one. In an act it is lowered for these statements and
// raised again before anything else is done; they must name their tenants.
func (tx *Tx) Outside(do func(tx *Tx) error) error {
	ctx := tx.Statement.Context
	tenantID := walledIn(ctx)
	if tenantID == "" || tx.Dialect == SQLite {
		return do(tx)
	}
	if !tx.acts {
		outside := *tx
		outside.DB = tx.WithContext(Outside(ctx))
		return do(&outside)
	}
	wall := strings.Replace(raiseWall, "$1", "?", 1)
	if err := tx.Exec(wall, "").Error; err != nil {
		return err
	}
	err := do(tx)
	return errors.Join(err, tx.Exec(wall, tenantID).Error)
}

// walledIn gives the tenant that ctx sees; "" stands for all of them.
func walledIn(ctx context.Context) string {
	tenantID, _ := ctx.Value(wallKey{}).(string)
	return tenantID
}

// raiseWall holds for the transaction that it is sent in and falls with it, so
// that the next user of the connection finds none.
const raiseWall = "SELECT set_config('latchkey.tenant', $1, true)"

// warnOfNoWall says so when the role of the program may pass the wall.
func (db *DB) warnOfNoWall(ctx context.Context, log *slog.Logger) error {
	var role string
	var passes bool
	err := db.Pool().QueryRowContext(ctx, "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").Scan(&role, &passes)
	if err == nil && passes {
		log.Warn("row-level security does not bind this role; the program should have an ordinary one that owns its tables", "role", role)
	}
	return unavailable(err)
}
