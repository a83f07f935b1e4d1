// Package phone is the shell of the phone app. Everything else on its screens is
// built in the browser by the modules of static/phone.
package phone
