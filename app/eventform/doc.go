// Package eventform writes events of the audit in the forms that other programs read
// (product.md §8): CSV, JSON lines, OCSF and CEF, the last one also in syslog.
//
// One event is written at a time and none is kept, so a million take no more memory than
// one. Names, reasons and browsers are what somebody typed or sent. In every form a text
// is one field of one event, whatever stands in it: whoever reads the output back has the
// same rows with the same fields.
//
//	csv    RFC 4180, a heading first. A cell that a spreadsheet would take for a formula, or
//	       that begins with ', gets a ' in front; without it the text is whole again
//	jsonl  one object a line, see Event
//	ocsf   one object a line of the Open Cybersecurity Schema Framework 1.3.0, see ocsf.go
//	cef    ArcSight Common Event Format 0, one line each, see cef.go
//	syslog CEF or JSON in RFC 5424, framed by the count of its octets (RFC 6587 §3.4.1)
package eventform
