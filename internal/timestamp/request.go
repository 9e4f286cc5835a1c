package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/modelsigning/modelsigning/internal/span"
	"github.com/modelsigning/modelsigning/internal/transport"
)

const (
	// MaxResponse bounds the responses that are read, as bundles do.
	MaxResponse = 64 << 10

	timeout = 30 * time.Second
)

// A Service is a timestamp authority on the network.
type Service struct {
	url    string
	client *http.Client
	// Trusted, if set, verify what the service sends.
	Trusted *Authorities
}

// NewService returns the service at an http or https URL. A nil client is one that uses no proxy.
func NewService(address string, client *http.Client) (*Service, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is not an http or https URL", redacted(address))
	}
	if client == nil {
		client = &http.Client{Transport: transport.New(nil)}
	}
	return &Service{url: address, client: client}, nil
}

// Timestamp returns the response of the service for a signature, and the time in it.
func (s *Service) Timestamp(ctx context.Context, signature []byte) (response []byte, at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ctx, sp := span.StartRemote(ctx, "modelsigning.timestamp_authority", s.url)
	if response, at, err = s.request(ctx, signature); err != nil {
		response, err = nil, fmt.Errorf("timestamp authority %s: %w", redacted(s.url), err)
	}
	sp.End(err)
	return response, at, err
}

// redacted returns what of the URL can't be a secret: neither user and password nor query and fragment.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(no URL)"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

func (s *Service) request(ctx context.Context, signature []byte) (response []byte, at time.Time, err error) {
	digest := sha256.Sum256(signature)
	var random [8]byte
	rand.Read(random[:]) // never fails
	nonce := new(big.Int).SetBytes(random[:])
	query, err := (&timestamp.Request{
		HashAlgorithm: crypto.SHA256,
		HashedMessage: digest[:],
		Certificates:  true,
		Nonce:         nonce,
	}).Marshal()
	if err != nil {
		return nil, at, err
	}
	if response, err = s.post(ctx, query); err != nil {
		return nil, at, err
	}
	if err := CheckCost(response); err != nil {
		return nil, at, err
	}
	ts, err := timestamp.ParseResponse(response)
	switch {
	case err != nil:
		return nil, at, quoted(err)
	case ts.HashAlgorithm != crypto.SHA256 || !bytes.Equal(ts.HashedMessage, digest[:]):
		return nil, at, errors.New("the timestamp is over something else")
	case ts.Nonce == nil || ts.Nonce.Cmp(nonce) != 0:
		return nil, at, errors.New("the timestamp answers another request: the nonce differs")
	}
	if s.Trusted != nil {
		if _, err := s.Trusted.Verify(response, signature); err != nil {
			return nil, at, err
		}
	}
	return response, ts.Time, nil
}

func (s *Service) post(ctx context.Context, query []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	req.Header.Set("Accept", "application/timestamp-reply")
	resp, err := s.client.Do(req)
	if err != nil {
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err // the URL is named already
		}
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxResponse+1))
	switch {
	case err != nil:
		return nil, err
	// timestamp-authority answers with 201.
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated:
		return nil, fmt.Errorf("answers with status %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	case len(body) > MaxResponse:
		return nil, fmt.Errorf("answers with more than %d bytes", MaxResponse)
	}
	return body, nil
}
