// The command hub is a server for models. It takes uploads, verifies them while they arrive, and stores only what
// somebody has signed who may: a model that is there is whole and verified, or it is not there.
//
//	hub -store DIR -policy policy.json
//	hub -store DIR -key key.pub
//
// docs/hubs.md describes the protocol and the policy. An upload begins with the signature, so that whatever nobody has
// signed is refused before it is sent:
//
//	POST   /models/{name}/uploads        the bundle              201, and {"upload": id}
//	PUT    /uploads/{id}/files/{path}    the bytes of one file   204
//	POST   /uploads/{id}/commit                                  201, and what was verified
//	DELETE /uploads/{id}                                         204
//	GET    /models/{name}, /models/{name}/bundle, /models/{name}/files/{path}
//
// Whoever can reach it may upload what is signed, so it listens on the loopback interface unless it is told otherwise. It
// has no accounts, and no TLS: a proxy in front of it has. One process may work on a store at a time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// limits are what a stranger may make the server do.
type limits struct {
	uploads     int           // at a time
	connections int           // at a time
	memory      int64         // bytes, that all uploads may take
	bundle      int64         // bytes
	bytes       int64         // of all files of an upload
	files       int           // of a model, and directories
	idle        time.Duration // without a byte of a request
	arrival     time.Duration // of a bundle, however fast it comes
	pause       time.Duration // between two requests of an upload
	age         time.Duration // of an upload
}

// options are what the flags say.
type options struct {
	listen, debug, store, policy string
	keys                         stringList
	limits                       limits
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("hub", flag.ContinueOnError)
	f.SetOutput(stderr)
	o.add(f)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	l := o.limits
	switch {
	case f.NArg() > 0 || o.store == "" || (o.policy == "") == (len(o.keys) == 0):
		fmt.Fprintln(stderr, "hub: -store, and one of -policy and -key, are needed; see -help")
		return 2
	case l.uploads < 1, l.connections < 1, l.memory < 1, l.bundle < 1, l.bytes < 1, l.files < 1, min(l.idle, l.arrival, l.pause, l.age) <= 0:
		fmt.Fprintln(stderr, "hub: a limit is not positive")
		return 2
	}
	if err := serve(o, stdout, slog.New(slog.NewTextHandler(stderr, nil))); err != nil {
		fmt.Fprintln(stderr, "hub:", err)
		return 1
	}
	return 0
}

func (o *options) add(f *flag.FlagSet) {
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "serve on this `address`")
	f.StringVar(&o.debug, "debug-listen", "", "serve /debug/vars on this `address`")
	f.StringVar(&o.store, "store", "", "keep models in this `directory`")
	f.StringVar(&o.policy, "policy", "", "accept signers as this JSON `file` says")
	f.Var(&o.keys, "key", "accept models signed with the public key in this PEM `file`, under any name (repeatable)")
	l := &o.limits
	f.IntVar(&l.uploads, "max-uploads", 128, "take so many uploads at a time")
	f.IntVar(&l.connections, "max-connections", 512, "take so many connections at a time")
	f.Int64Var(&l.memory, "max-memory-bytes", 256<<20, "take no upload that could make all of them keep more in memory, about")
	f.Int64Var(&l.bundle, "max-bundle-bytes", 16<<20, "refuse larger bundles")
	f.Int64Var(&l.bytes, "max-upload-bytes", 1<<40, "refuse larger models")
	f.IntVar(&l.files, "max-files", 100_000, "refuse models with more files and directories")
	f.DurationVar(&l.idle, "idle", 30*time.Second, "give a request up that sends or takes nothing for so long")
	f.DurationVar(&l.arrival, "bundle-time", 30*time.Second, "give a bundle up that has not arrived after so long")
	f.DurationVar(&l.pause, "pause", 10*time.Minute, "give an upload up that has no request for so long")
	f.DurationVar(&l.age, "max-age", 24*time.Hour, "give an upload up that is not done after so long")
}

// A stringList is a flag that can be repeated.
type stringList []string

func (l *stringList) String() string     { return fmt.Sprint(*l) }
func (l *stringList) Set(s string) error { *l = append(*l, s); return nil }

func serve(o options, stdout io.Writer, log *slog.Logger) error {
	p, err := newPolicy(o.policy, o.keys)
	if err != nil {
		return err
	}
	// First of all: a hub that serves here already may have this store, and uploads in it.
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	s, err := openStore(o.store)
	if err != nil {
		return err
	}
	stop, heard := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer heard()
	h := newHub(s, p, o.limits, log)
	defer h.close()
	if o.debug != "" {
		debug, err := net.Listen("tcp", o.debug)
		if err != nil {
			return err
		}
		defer start(debug, debugHandler(h), o.limits, "debug", stdout)(context.Background())
	}
	end := start(listener, h.handler(), o.limits, "serving", stdout)
	<-stop.Done()
	heard() // a second signal ends the process at once
	ctx, cancel := context.WithTimeout(context.Background(), o.limits.idle)
	defer cancel()
	return end(ctx)
}

// debugHandler shows how many goroutines and uploads there are, and how much memory these may take.
func debugHandler(h *hub) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/vars", func(w http.ResponseWriter, _ *http.Request) {
		uploads, memory := h.count()
		answer(w, http.StatusOK, map[string]int64{"goroutines": int64(runtime.NumGoroutine()), "uploads": int64(uploads), "memory": memory})
	})
	return mux
}

// start serves until the returned function is called, which waits for requests until its context is done.
func start(listener net.Listener, handler http.Handler, l limits, what string, stdout io.Writer) (end func(context.Context) error) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: l.idle,
		IdleTimeout:       l.idle,
		MaxHeaderBytes:    64 << 10,
	}
	fmt.Fprintf(stdout, "%s http://%s\n", what, listener.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(netutil.LimitListener(listener, l.connections)) }()
	return func(ctx context.Context) error {
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close() // what is unfinished is not stored
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}
