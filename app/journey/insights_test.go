package journey

import (
	"fmt"
	"testing"

	"latchkey/app/store"
	"latchkey/app/user"
)

// An administrator looks how the rollout goes: before anything was counted, and after a
// month of it.
func TestHowTheRolloutGoesIsLookedAt(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	// The program counts when it starts: who counts by now has lost the tenant.
	h.exec("INSERT INTO insights (tenant_id, held_at) SELECT id, ? FROM tenants WHERE TRUE ON CONFLICT (tenant_id) DO UPDATE SET people = '', taken_at = NULL, held_at = excluded.held_at", h.DB.Now())
	p.console("admin@alder.example", "/insights")
	p.WaitForText("main", "Not counted yet")
	p.look("insights-none")

	ways := []user.Ways{user.WithPassword, user.WithPhone, user.WithTOTP, user.WithPasskey, user.WithPhone}
	for n := range 40 {
		name := fmt.Sprintf("user%d@alder.example", n+1)
		h.exec("UPDATE users SET ways = ? WHERE name = ?", int(user.WithPassword|ways[n%5]), name)
		if n%9 == 0 {
			h.exec("UPDATE users SET ways = 0, password_hash = '' WHERE name = ?", name)
		}
	}
	for day := range 30 {
		for i := range 6 {
			h.decided(fmt.Sprintf("user%d@alder.example", 1+(day*7+i*3)%40), day+1, 2+(day+i)%5, ways[i%5])
		}
		for way, failed := range map[string]int{"phone": 2 + day%4, "password": 5 - day%3, "totp": day % 3} {
			for figure, n := range map[string]int{"finished": 40 + 7*(day%5), "failed": failed, "left": day % 4} {
				h.exec("INSERT INTO insight_days (tenant_id, day, subject, figure, n) SELECT id, ?, ?, ?, ? FROM tenants WHERE slug = 'alder' ON CONFLICT DO UPDATE SET n = excluded.n",
					h.DB.Now().AddDate(0, 0, -day-1).Format("2006-01-02"), "way:"+way, figure, n)
			}
		}
	}
	h.Counted(t)
	p.Open(h.URL + "/admin/alder/rollout")
	p.Follow(".head a[href$='/insights']")
	p.WaitForText("#risks ~ ul", "No way that leads in")
	p.look("insights")
	p.Follow("a[href$='days=30']")
	p.WaitFor("a[href$='days=30'][aria-current=page]")
	p.Click("#failures summary")
	p.look("insights-30")
	p.Follow("a[href$='way=no_strong']")
	p.WaitForText("tbody", "user1")
}
