// Package application keeps the applications that the people of a tenant sign in to
// by OpenID Connect, and gives them what they may know: codes and tokens.
//
// An application is registered by a security administrator. It is public (it runs
// where it can keep no secret) or confidential (it has one, shown once and stored as a
// digest), and proves with PKCE in either case that whoever redeems a code is who asked
// for it. Its redirect URIs are taken letter by letter. It may be limited to groups, ask
// for a proof at least so strong, and ask for one again after so many minutes: each of
// them tightens what the tenant asks of everybody, and nothing loosens it.
//
//	request ──▶ code ──▶ access token, and with offline_access a refresh token
//	30 min      60 s     5 min         as long as the session, each one once
//
// One row (an authorization) is the story of one sign-in to one application, from the
// request to the last token of it. A code works once: it falls to one conditional
// statement, which asks everything again that was asked before (application on, user in
// its groups, session alive, proof fresh enough). One that comes back ends every
// token made from it (RFC 6749 §4.1.2), and so does a refresh token (RFC 9700 §4.14.2).
//
// Whatever an application holds lives by the session that it was made in: sign-out,
// lock, a revoked phone, a suspended tenant end it at once. That a session idles does
// not: its user is at work in the application, finds the session where they are signed
// in, and ends it by signing out as any other. When it is to be proved again, or was
// proved by less since, the refresh token is refused, and the application sends its user
// back here.
//
// A limited session (package session) is given nothing before it is proved: what an
// application learnt cannot be taken back.
package application
