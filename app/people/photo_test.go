package people_test

import (
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/people"
	"latchkey/app/photo"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// TestAPhotoOfAPerson tells who may change it, who sees it, and that it goes as it came.
func TestAPhotoOfAPerson(t *testing.T) {
	each(t, func(o *office) {
		first, second := people.Photo{JPEG: []byte("a picture")}, people.Photo{JPEG: []byte("another one")}
		_, err := o.do(o.desk, people.KindPhoto, o.nurse, first)
		WantCode(o.T, "by the desk", err, "access.forbidden")
		_, err = o.do(o.admin, people.KindPhoto, o.admin, first)
		WantCode(o.T, "by themselves", err, "access.self")
		_, err = o.do(o.admin, people.KindPhoto, o.stranger, first)
		WantCode(o.T, "of another tenant", err, "http.not_found")
		_, err = o.do(o.admin, people.KindPhoto, o.nurse, people.Photo{})
		WantCode(o.T, "none instead of none", err, "form.wrong")

		_, err = o.do(o.admin, people.KindPhoto, o.nurse, people.Photo{Unread: true})
		WantCode(o.T, "a file that nobody looked at", err, "user.state_changed")

		o.must(o.admin, people.KindPhoto, o.nurse, first)
		o.must(o.admin, people.KindPhoto, o.nurse, second)
		_, err = o.do(o.admin, people.KindPhoto, o.nurse, second)
		WantCode(o.T, "the same again", err, "form.wrong")
		for _, viewer := range []user.User{o.desk, o.auditor} {
			if p := o.see(viewer, o.nurse); string(p.Photo.JPEG) != "another one" || p.Photo.Mark != photo.MarkOf(second.JPEG) {
				o.T.Errorf("the photo is %q (%s)", p.Photo.JPEG, p.Photo.Mark)
			}
		}
		if o.Events(audit.UserPhotoChanged) != 2 || o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", o.nurse.ID, audit.UserPhotoChanged) != 2 {
			o.T.Error("nobody was told")
		}
		o.must(o.admin, people.KindPhoto, o.nurse, people.Photo{})
		if o.Count("SELECT count(*) FROM photos") != 0 {
			o.T.Error("the photo is still there")
		}

		// Of somebody of the same rank a second person decides, on this very picture.
		out, err := o.do(o.security, people.KindPhoto, o.second, first)
		if err != nil || !out.Waits() || o.Count("SELECT count(*) FROM photos") != 0 {
			o.T.Fatalf("of the same rank: %+v, %v", out, err)
		}
		third := o.Admin(o.Alder, "third", access.RoleSecurityAdministrator)
		if err := o.approvals.Approve(o.T.Context(), o.Alder.ID, out.RequestID, third.ID, approval.Given{}); err != nil {
			o.T.Fatal(err)
		}
		if p := o.see(o.security, o.second); string(p.Photo.JPEG) != "a picture" {
			o.T.Errorf("approved: %q", p.Photo.JPEG)
		}
	})
}
