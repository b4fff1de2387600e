// Package rule runs Rules: commands in the containers of selected pods, in the foreground or in the background.
//
// A background command keeps an application frozen while something else happens. Its ${WAIT_CMD} becomes a command that
// reports to the operator that it was reached, and returns when the operator says so. No helper pod is involved: background.sh
// runs in the container as the other end of one exec stream. It ends the command when the stream closes, for whatever reason,
// and after a time limit, so that nothing stays frozen when the operator or the connection dies.
//
// The package must know nothing of Migrations: it is handed a Rule, the namespaces to run in and somewhere to keep track of
// what runs.
package rule
