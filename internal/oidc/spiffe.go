package oidc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// spiffe calls FetchJWTSVID of the SPIFFE Workload API. It is one unary gRPC call over a local socket, which
// does not justify a gRPC library: HTTP/2 is in net/http, and the two messages have three fields.
func (a Ambient) spiffe(ctx context.Context) (string, error) {
	network, address, err := spiffeSocket(a.env("SPIFFE_ENDPOINT_SOCKET"))
	if err != nil {
		return "", err
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		Protocols: new(http.Protocols),
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()

	message := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), a.audience())
	frame := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		"http://workload/SpiffeWorkloadAPI/FetchJWTSVID", bytes.NewReader(frame))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("TE", "trailers")
	req.Header.Set("workload.spiffe.io", "true") // the API refuses calls without it
	res, body, err := do(&http.Client{Transport: transport}, req)
	if err != nil {
		return "", fmt.Errorf("workload API at %s: %w", address, err)
	}
	status := res.Trailer.Get("Grpc-Status")
	if status == "" {
		status = res.Header.Get("Grpc-Status") // where there is no message
	}
	if status != "0" {
		return "", fmt.Errorf("workload API at %s: gRPC status %q", address, status)
	}
	return jwtSVID(body)
}

func spiffeSocket(endpoint string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(endpoint, "unix:"); ok {
		return "unix", strings.TrimPrefix(path, "//"), nil
	}
	if address, ok := strings.CutPrefix(endpoint, "tcp://"); ok {
		return "tcp", address, nil
	}
	return "", "", fmt.Errorf("SPIFFE_ENDPOINT_SOCKET %q has neither the scheme unix nor tcp", endpoint)
}

// jwtSVID returns the token of the first identity in a framed JWTSVIDResponse: field 1, and in it field 2.
func jwtSVID(frame []byte) (string, error) {
	malformed := errors.New("workload API: malformed answer")
	if len(frame) < 5 || frame[0] != 0 || uint64(len(frame)-5) != uint64(binary.BigEndian.Uint32(frame[1:])) {
		return "", malformed
	}
	svid, ok := field(frame[5:], 1)
	if !ok {
		return "", malformed
	}
	token, ok := field(svid, 2)
	if !ok {
		return "", malformed
	}
	return string(token), nil
}

// field returns the first field of that number, which is of the type bytes, of a protobuf message.
func field(message []byte, want protowire.Number) ([]byte, bool) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, false
		}
		message = message[n:]
		if number == want && kind == protowire.BytesType {
			value, n := protowire.ConsumeBytes(message)
			return value, n >= 0
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return nil, false
		}
		message = message[n:]
	}
	return nil, false
}
