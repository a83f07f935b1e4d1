// Package password holds the rules of passwords and the acts of their owners.
//
// A password has at least 8 characters where a second factor is asked of its user
// anyway, and 15 where it may be all that is asked; at most 64, counted in Unicode
// code points after NFKC (SP 800-63B-4 §3.1.1.2). There are no rules about kinds of
// characters, and nobody must change theirs because time has passed. What anybody
// would try first is refused: passwords that were found in breaches, a piece that
// repeats, a row of keys, the names of the person and of their organisation.
//
//	first link ──▶ set ──▶ changed by its user, after a step-up
//	                  └──▶ set anew by a link from an administrator
//
// Nobody sets the password of somebody else: an administrator can send a one-time
// link (package people), and no more. Whatever was begun with the password before is
// over when it is replaced: other sessions, sign-ins that are halfway, links.
//
// The list of common passwords is that of @zxcvbn-ts/language-common 4.1.3 (July
// 2026, MIT: common.LICENSE), in small letters, four characters or more, sorted by
// bytes. To take a newer one:
//
//	npm pack @zxcvbn-ts/language-common && tar xzf zxcvbn-ts-*.tgz
//	node -p 'require("./package/src/passwords.json").map(p => p.toLowerCase()).filter(p => p.length > 3).join("\n")' |
//		LC_ALL=C sort -u | gzip -9n > app/password/common.txt.gz
package password
