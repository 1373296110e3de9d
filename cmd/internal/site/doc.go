// Package site knows the one file that a site's conversion is described in,
// site.toml: it reads it, and writes a commented one by looking at a folder.
//
// # The file
//
// TOML 1.0. Every key that is not known is an error that names the nearest
// known one. A path is relative to the folder of the file. A password is never
// in it. The keys are those of [Site] and its tables; docs/site.md lists them.
//
// The tables upgrade, restore, relocate and export hold the choices of verbs of
// these names: a key is a long option of the verb, its value what the option
// takes, a list where it may be repeated (vanity = true, quota-missing =
// "keep", domain = ["a.com", "b.com"]).
package site
