package outage_test

import (
	"testing"
	"time"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/feature"
	"latchkey/app/outage"
	"latchkey/app/relaxation"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// tried writes down messages of this minute.
func (w *ward) tried(channel string, tried, failed int) {
	w.T.Helper()
	w.Set(`INSERT INTO channel_minutes (tenant_id, channel, minute, tried, failed) VALUES (?,?,?,?,?)
		ON CONFLICT (tenant_id, channel, minute) DO UPDATE SET tried = channel_minutes.tried + excluded.tried, failed = channel_minutes.failed + excluded.failed`,
		w.Alder.ID, channel, w.Clock.Now().Truncate(time.Minute), tried, failed)
}

func (w *ward) watch() {
	w.T.Helper()
	if err := w.outages.Watch(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
}

func (w *ward) failing(c outage.Channel) bool {
	w.T.Helper()
	all, err := w.outages.Health(w.T.Context(), w.Alder.ID)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, h := range all {
		if h.Channel == c {
			return h.FailingSince != nil
		}
	}
	w.T.Fatalf("there is no channel %s", c)
	return false
}

func TestAChannelThatFailsIsToldOnce(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		told := func() int {
			return w.Count("SELECT count(*) FROM notices WHERE action = ? AND detail = 'sms' AND user_id = ?", audit.ChannelFailing, w.first.ID)
		}
		w.tried("sms", 9, 9)
		w.watch()
		if w.failing(outage.SMS) || told() != 0 {
			t.Error("it fails with fewer tries than the least")
		}
		w.tried("sms", 9, 0)
		w.watch()
		if w.failing(outage.SMS) {
			t.Error("it fails with half of the tries")
		}
		w.tried("sms", 2, 2)
		errs := AtOnce(4, func(int) error { return w.outages.Watch(t.Context()) })
		if got := Tally(errs); got["done"] != 4 || !w.failing(outage.SMS) || w.failing(outage.Push) || told() != 1 || w.Events(audit.ChannelFailing) != 1 {
			t.Errorf("four replicas: %v, told %d times, %d events", got, told(), w.Events(audit.ChannelFailing))
		}
		w.Clock.Forward(5 * time.Minute)
		w.tried("sms", 20, 20)
		w.watch()
		if told() != 1 {
			t.Error("it is told again while it lasts")
		}
		w.Clock.Forward(11 * time.Minute)
		w.tried("sms", 20, 5)
		w.watch()
		if !w.failing(outage.SMS) {
			t.Error("it works again while every fourth fails")
		}
		w.Clock.Forward(11 * time.Minute)
		w.tried("sms", 20, 4)
		w.watch()
		if w.failing(outage.SMS) || w.Events(audit.ChannelWorks) != 1 {
			t.Error("it does not work again")
		}
		w.Clock.Forward(11 * time.Minute)
		w.tried("sms", 20, 20)
		w.watch()
		if !w.failing(outage.SMS) || told() != 2 {
			t.Errorf("the next time it fails it is told %d times in all", told())
		}
		w.Clock.Forward(61 * time.Minute)
		w.watch()
		if w.failing(outage.SMS) {
			t.Error("after an hour in which nothing failed it still fails")
		}
		all, err := outage.HealthOfAll(t.Context(), w.DB)
		if err != nil || len(all) != len(outage.Channels) {
			t.Errorf("over all organisations it is %+v, %v", all, err)
		}
	})
}

func (w *ward) release(f feature.Feature, on bool) {
	w.T.Helper()
	cells := []feature.Cell{{Region: "eu", Ring: "stable", Share: 0}}
	if on {
		cells = nil
	}
	w.Act(func(tx *store.Tx) error { return feature.Release(tx, f, cells) })
}

// TestADrillChangesNothing, and says who could sign in.
func TestADrillChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		w.User(w.Alder, "bare") // a password, and nothing that asks for more
		onlyPhone := w.User(w.Alder, "phone")
		w.PhoneOf(onlyPhone)
		w.Demand(onlyPhone, user.MFAEnforced)
		w.Demand(w.third, user.MFAEnforced)
		gone := w.User(w.Alder, "gone")
		w.Lock(gone)
		down := outage.Asked{Failed: []outage.Channel{outage.Push}}
		found, err := w.outages.Drill(t.Context(), w.Alder.ID, down)
		if err != nil || found.People != 6 || found.Able != 3 || found.Unable != 3 || len(found.Administrators) != 1 || found.Administrators[0] != w.third.Name {
			t.Fatalf("without push: %s, %v", text(found), err)
		}
		if found.ByWay["password"] != 3 || found.ByWay["phone"] != 0 || found.ByWay["totp"] != 0 {
			t.Errorf("by way: %s", text(found))
		}
		down.Relaxes = []relaxation.Relaxation{relaxation.HeldBackWays}
		if found, err = w.outages.Drill(t.Context(), w.Alder.ID, down); err != nil || found.Able != 4 || found.Lifted != 1 || found.ByWay["totp"] != 1 {
			t.Errorf("with what the rollout holds back: %s, %v", text(found), err)
		}
		if found, err = w.outages.Drill(t.Context(), w.Alder.ID, outage.Asked{Failed: []outage.Channel{outage.Mail}}); err != nil || found.Able != 4 || found.ByWay["phone"] != 1 {
			t.Errorf("without mail: %s, %v", text(found), err)
		}
		id, err := w.outages.Rehearse(t.Context(), approval.Act{Kind: outage.KindRehearse, TenantID: w.Alder.ID, ActorID: w.first.ID, Reason: "a test"}, down)
		if err != nil {
			t.Fatal(err)
		}
		o, err := w.outages.Find(t.Context(), w.Alder.ID, id)
		if err != nil || !o.Drill || o.Runs(w.Clock.Now()) || o.Report == nil || o.Report.Able != 4 {
			t.Errorf("it is kept as %+v, %v", o, err)
		}
		if _, err := w.byApp(); err == nil {
			t.Error("a drill opens a way")
		}
		if w.Count("SELECT count(*) FROM notices WHERE action = ?", audit.OutageDeclared) != 0 {
			t.Error("somebody is told of an outage")
		}
		w.declare(asked(relaxation.HeldBackWays)) // which it does not stand in the way of
	})
}
