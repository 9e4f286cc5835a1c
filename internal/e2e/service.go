//go:build unix

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// A Service is one server of a [Stack], a process group of its own.
type Service struct {
	Name string
	// URL is the base that clients are given.
	URL string

	cmd     *exec.Cmd
	log     string
	stdin   io.Closer
	exited  chan struct{}
	stopped sync.Once
}

// Suspend makes the server hang: connections open, and nothing answers.
func (s *Service) Suspend() error { return syscall.Kill(-s.cmd.Process.Pid, syscall.SIGSTOP) }

// Resume ends a suspension.
func (s *Service) Resume() error { return syscall.Kill(-s.cmd.Process.Pid, syscall.SIGCONT) }

// Stop ends the server for good: connections are refused from now on. It may be called again.
func (s *Service) Stop() {
	s.stopped.Do(func() {
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		s.stdin.Close()
		<-s.exited
	})
}

// PID is the process that serves, or the one that started it.
func (s *Service) PID() int { return s.cmd.Process.Pid }

func (s *Service) tail() []byte {
	data, _ := os.ReadFile(s.log)
	return data[max(0, len(data)-4000):]
}

// serve runs a command on a socket that is open already, so that no port is guessed. Args may need its URL.
func (s *Stack) serve(name, command string, args func(url string) []string) (*Service, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	file, err := ln.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	url := "http://" + ln.Addr().String()
	cmd := exec.Command(binary(command), args(url)...)
	cmd.ExtraFiles = []*os.File{file}
	return s.run(name, url, cmd)
}

func (s *Stack) run(name, url string, cmd *exec.Cmd) (*Service, error) {
	service := &Service{
		Name: name, URL: url, cmd: cmd,
		log:    filepath.Join(s.dir, name+".log"),
		exited: make(chan struct{}),
	}
	log, err := os.Create(service.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// The server ends when this pipe closes, that is when we end, however that happens.
	if service.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		cmd.Wait()
		close(service.exited)
	}()
	s.services = append(s.services, service)
	return service, nil
}

// await returns when the server answers a GET of path with 200.
func (s *Service) await(ctx context.Context, path string) error {
	for {
		body, err := get(ctx, s.URL+path)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", s.Name, ctx.Err())
		case <-s.exited:
			return fmt.Errorf("%s ended: %w: %s", s.Name, err, bytes.TrimSpace(body))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return body, err
}
