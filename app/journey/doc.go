// Package journey drives the whole program as its users do: in a real browser,
// as a PC and as a phone that share nothing.
//
// The files here are the tools: browser.go keeps one headless Chromium for the
// test binary, tab.go is one tab of it, with steps that fail the test when they
// do not succeed in time. The journeys themselves are the tests.
package journey
