package audit

import (
	"slices"
	"strings"

	"latchkey/app/store"
)

// What is rare among events has a mark: a word by which it is found, beside those that people
// typed. So an event that is like most others, such as one of a sign-in that goes well, pays for
// no index of what it is not. No word that somebody types has the colon.

// MarkOfDesk is on what the helpdesk does: what somebody does to another, and all that belongs
// to a case.
const MarkOfDesk = ":desk"

// OfDesk is the condition of an event that has MarkOfDesk: whoever may see no other event does not
// take the mark at its word.
const OfDesk = `(actor_kind = 'user' AND subject_id <> '' AND actor_id <> subject_id OR action LIKE 'bypass.%' OR action LIKE 'call_back.%' OR action LIKE 'caller_check.%' OR action LIKE 'case.%' OR action LIKE 'vouch.%')`

// MarkOfActor is on what a user or an operator did to somebody else, or to a thing.
func MarkOfActor(id string) string { return ":actor " + id }

// MarkOfTarget is on what was done to a thing that Marked says has one.
func MarkOfTarget(id string) string { return ":target " + id }

// MarkOfOutcome is on what did not succeed.
func MarkOfOutcome(outcome Outcome) string { return ":outcome " + string(outcome) }

// MarkOfReason is on what has a code for its reason (IsCode).
func MarkOfReason(code string) string { return ":reason " + code }

// Marked says whether what is done to a thing of a kind has a mark: not to those that stand in
// the thread of every sign-in.
func Marked(kind string) bool {
	return !slices.Contains([]string{KindUser, KindPrompt, KindAttempt, KindSession, KindDevice}, kind)
}

// deskActions are what the actions of cases begin with.
var deskActions = []string{"bypass.", "call_back.", "caller_check.", "case.", "vouch."}

// marks are those of e. A code that is sent to a backup phone has as many as one that is held
// back: who has no such phone, or is nobody, is to make the same work.
func (e Event) marks() (all []string) {
	even := e.Action == PhoneCodeSent
	if e.Outcome == "" {
		e.Outcome = Success
	}
	of := func(is bool, mark string) {
		if is {
			all = append(all, mark)
		}
	}
	of((e.Actor.Kind == KindUser || e.Actor.Kind == KindOperator) && e.Actor.ID != e.Subject, MarkOfActor(e.Actor.ID))
	of(Marked(e.Target.Kind), MarkOfTarget(e.Target.ID))
	of(e.Outcome != Success || even, MarkOfOutcome(e.Outcome))
	of(IsCode(e.Reason) || even, MarkOfReason(e.Reason))
	of(e.Actor.Kind == KindUser && e.Subject != "" && e.Actor.ID != e.Subject ||
		slices.ContainsFunc(deskActions, func(prefix string) bool { return strings.HasPrefix(string(e.Action), prefix) }), MarkOfDesk)
	return all
}

// Marks are those that a stored event has to have.
func (k Kept) Marks() []string {
	return Event{
		Action: Action(k.Action), Outcome: Outcome(k.Outcome), Reason: k.Reason,
		Actor: Party{k.ActorKind, k.ActorID}, Target: Party{k.TargetKind, k.TargetID}, Subject: k.SubjectID,
	}.marks()
}

const intoWords = "INSERT INTO audit_words (tenant_id, word, occurred_at, event_id)"

// indexWords writes, with the event that is stored under an id, by which words it is found.
func (e Event) indexWords(tx *store.Tx, id string) error {
	return tx.InsertAll(intoWords, "", e.wordRows(tx, id, append(e.marks(), e.words()...)))
}

func (e Event) wordRows(tx *store.Tx, id string, words []string) (rows [][]any) {
	for _, w := range words {
		rows = append(rows, []any{e.TenantID, w, tx.Now, id})
	}
	return rows
}
