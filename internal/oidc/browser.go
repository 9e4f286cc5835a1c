package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// browserError says that no browser could be opened.
type browserError struct{ err error }

func (e *browserError) Error() string { return "opening a browser: " + e.err.Error() }

// browser runs the authorization code flow with a redirect to this machine (RFC 8252, section 7.3).
func (i Interactive) browser(ctx context.Context, p provider) (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", &browserError{err}
	}
	// Sigstore's provider accepts the name for public clients, whatever the port.
	l := newLogin(fmt.Sprintf("http://localhost:%d/auth/callback", ln.Addr().(*net.TCPAddr).Port))
	answers := make(chan answer, 1)
	server := &http.Server{Handler: callback(l, answers), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(ln)
	defer shutdown(server)

	address, err := i.authURL(p, l)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opened := make(chan error, 1)
	go func() { opened <- i.open(ctx, address) }()
	fmt.Fprintf(i.Output, "Waiting for the browser. If it does not open, go to:\n\n\t%s\n\n", address)
	for {
		select {
		case a := <-answers:
			if a.err != nil {
				return "", a.err
			}
			return i.redeem(ctx, p, l, a.code)
		case err := <-opened:
			if err != nil {
				return "", &browserError{err}
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// shutdown lets the page that thanks the person go out, but does not wait long for a browser.
func shutdown(s *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		s.Close()
	}
}

type answer struct {
	code string
	err  error
}

// callback takes the first answer that carries the state of this login; others did not come from it.
func callback(l login, answers chan<- answer) http.Handler {
	var once sync.Once
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/callback", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(l.state)) == 0 {
			http.Error(w, "This is not the login that is waited for.", http.StatusBadRequest)
			return
		}
		a := answer{code: query.Get("code")}
		if a.code == "" {
			a.err = fmt.Errorf("login refused: %q", query.Get("error"))
			http.Error(w, "The login was refused. You may close this page.", http.StatusForbidden)
		} else {
			fmt.Fprintln(w, "You are logged in and may close this page.")
		}
		once.Do(func() { answers <- a })
	})
	return mux
}

func (i Interactive) open(ctx context.Context, address string) error {
	if i.Open != nil {
		return i.Open(ctx, address)
	}
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		cmd = exec.Command("open", address)
	case "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", address)
	case "linux", "freebsd", "openbsd", "netbsd":
		cmd = exec.Command("xdg-open", address)
	default:
		return errors.New("no browser is known for " + runtime.GOOS)
	}
	// Not bound to the context: the browser may be a child of this command, and it is the person's.
	return cmd.Run()
}
