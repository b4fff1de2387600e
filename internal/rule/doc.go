// Package rule runs Rules: commands in the containers of selected pods, in the foreground or in the background.
//
// It must know nothing of Migrations: it is handed a Rule, the namespaces to run in and somewhere to keep track of what runs.
package rule
