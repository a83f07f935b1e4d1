// Package views is the folder of the pages: one package for each audience, on
// top of component, with the texts of all of them in words. It has no code of
// its own; its tests look at every page at once.
package views
