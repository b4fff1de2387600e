// Command keeper is an application with state, for tests: it keeps what it is given as files of a folder, and notes there each time it
// is started. In its image there is nothing else, so it also does what tests would want a shell for.
//
//	keeper serve ADDRESS FOLDER   GET, PUT and DELETE /FILE of the folder over HTTP; FOLDER/starts gets a line
//	keeper write FILE TEXT        make or replace a file
//	keeper read FILE [BYTES]      print a file, or how it begins
//	keeper get URL                print what a GET of the URL answers with success
//	keeper id                     print uid, gid and supplementary groups
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// getTimeout bounds one request of keeper get.
const getTimeout = 5 * time.Second

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "keeper:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 3 && args[0] == "serve":
		return serve(ctx, args[1], args[2])
	case len(args) == 3 && args[0] == "write":
		return os.WriteFile(args[1], []byte(args[2]), 0o644)
	case len(args) == 2 && args[0] == "read":
		return read(args[1], math.MaxInt64)
	case len(args) == 3 && args[0] == "read":
		size, err := strconv.ParseInt(args[2], 10, 64)
		return errors.Join(err, read(args[1], size))
	case len(args) == 2 && args[0] == "get":
		return get(ctx, args[1])
	case len(args) == 1 && args[0] == "id":
		return id()
	}
	return fmt.Errorf("no such command: %q", args)
}

func serve(ctx context.Context, address, folder string) error {
	if err := noteStart(filepath.Join(folder, "starts")); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // Nothing is written through it itself.
	server := &http.Server{Addr: address, Handler: handler(root), ReadHeaderTimeout: getTimeout}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	fmt.Println("keeper serves", folder, "at", address)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// noteStart appends the name of the pod, and the time, so that one sees whether a later pod has the earlier one's volume.
func noteStart(file string) error {
	starts, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	_, writeErr := fmt.Fprintln(starts, host, time.Now().UTC().Format(time.RFC3339Nano))
	return errors.Join(err, writeErr, starts.Close())
}

func handler(root *os.Root) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{file...}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, root.FS(), r.PathValue("file"))
	})
	mux.HandleFunc("PUT /{file...}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, put(root, r.PathValue("file"), r.Body))
	})
	mux.HandleFunc("DELETE /{file...}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, root.RemoveAll(r.PathValue("file")))
	})
	return mux
}

func put(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Sync(), file.Close())
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func read(name string, size int64) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // It was only read.
	_, err = io.Copy(os.Stdout, io.LimitReader(file, size))
	return err
}

func get(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, getTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // It was only read.
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}

func id() error {
	groups, err := os.Getgroups()
	fmt.Println(os.Getuid(), os.Getgid(), groups)
	return err
}
