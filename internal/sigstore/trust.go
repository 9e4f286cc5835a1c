//go:build !nosigstore

package sigstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	protoroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	"github.com/theupdateframework/go-tuf/v2/metadata/fetcher"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	defaultRefresh = 24 * time.Hour
	maxStale       = 7 * 24 * time.Hour // as long as Sigstore's own TUF timestamps are valid, about
	retryRefresh   = 10 * time.Minute

	trustConfigMediaType = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
)

// material is the trust in one instance, as it was at one time.
type material struct {
	root   *root.TrustedRoot
	config *root.SigningConfig // nil in what is for verifying only
	since  time.Time
	retry  time.Time // when to refresh, if that has failed
}

// A source yields the material of an instance to many goroutines. It has none of its own.
type source struct {
	trust   Trust
	signing bool // the signing configuration is needed, too
	current atomic.Pointer[material]
	turn    chan struct{} // holds one element while somebody is fetching
}

func newSource(t Trust, signing bool) (*source, error) {
	s := &source{trust: t, signing: signing, turn: make(chan struct{}, 1)}
	switch {
	case t.JSON != nil:
		if t.Staging || t.Mirror != "" {
			return nil, errors.New("a trust configuration excludes staging and mirrors")
		}
		m, err := parseTrust(t.JSON, signing)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", cmp.Or(t.file, "trust configuration"), err)
		}
		s.current.Store(m)
	case t.Staging && t.Mirror != "":
		return nil, errors.New("staging excludes a mirror")
	case t.CacheOnly && t.CacheDir == "":
		return nil, errors.New("the TUF cache alone is to be used, and there is none")
	case (t.Mirror == "") != (len(t.MirrorRoot) == 0):
		return nil, errors.New("a TUF mirror and its root belong together")
	}
	return s, nil
}

func parseTrust(data []byte, signing bool) (*material, error) {
	is := "is neither a TrustedRoot nor a ClientTrustConfig in JSON"
	if signing {
		is = "is not a ClientTrustConfig in JSON, which signing needs"
	}
	kind, err := mediaType(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", is, err)
	case kind == trustConfigMediaType:
		return parseTrustConfig(data, signing)
	case kind == root.TrustedRootMediaType01 && !signing:
		var trusted protoroot.TrustedRoot
		if err := unmarshal(data, &trusted); err != nil {
			return nil, err
		}
		m := new(material)
		m.root, err = root.NewTrustedRootFromProtobuf(&trusted)
		return m, err
	}
	return nil, fmt.Errorf("%s: its mediaType is %.100q", is, kind)
}

// mediaType returns what a document says that it is.
func mediaType(data []byte) (string, error) {
	var doc map[string]json.RawMessage
	if !json.Valid(data) {
		return "", errors.New("it is not JSON")
	}
	if err := json.Unmarshal(data, &doc); err != nil || doc == nil {
		return "", errors.New("it is not an object")
	}
	value, ok := doc["mediaType"]
	if !ok {
		value, ok = doc["media_type"] // the other legal name
	}
	var kind string
	switch {
	case !ok:
		return "", errors.New("it has no mediaType")
	case json.Unmarshal(value, &kind) != nil:
		return "", errors.New("its mediaType is not a string")
	}
	return kind, nil
}

func parseTrustConfig(data []byte, signing bool) (*material, error) {
	var config protoroot.ClientTrustConfig
	if err := unmarshal(data, &config); err != nil {
		return nil, err
	}
	trusted := config.GetTrustedRoot()
	if kind := trusted.GetMediaType(); kind != root.TrustedRootMediaType01 {
		return nil, fmt.Errorf("trustedRoot: is not a TrustedRoot: its mediaType is %.100q", kind)
	}
	m := new(material)
	var err error
	if m.root, err = root.NewTrustedRootFromProtobuf(trusted); err != nil {
		return nil, fmt.Errorf("trustedRoot: %w", err)
	}
	if signing {
		if m.config, err = signingConfig(config.GetSigningConfig()); err != nil {
			return nil, fmt.Errorf("signingConfig: %w", err)
		}
	}
	return m, nil
}

// unmarshal reads a message. The errors of protojson have spaces that do not break, now and then.
func unmarshal(data []byte, m proto.Message) error {
	if err := protojson.Unmarshal(data, m); err != nil {
		text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
		return errors.New("is malformed: " + strings.TrimPrefix(text, "proto: "))
	}
	return nil
}

// signingConfig adds the selectors that sigstore-go expects to be there.
func signingConfig(c *protoroot.SigningConfig) (*root.SigningConfig, error) {
	if c == nil {
		return nil, errors.New("it is missing")
	}
	for _, selector := range []**protoroot.ServiceConfiguration{&c.RekorTlogConfig, &c.TsaConfig} {
		if *selector == nil {
			*selector = &protoroot.ServiceConfiguration{Selector: protoroot.ServiceSelector_ANY}
		}
	}
	return root.NewSigningConfigFromProtobuf(c)
}

// get returns the material, and fetches it if it is not there or too old. One caller at a time fetches, in its
// own context, and those who wait for it wait in theirs.
func (s *source) get(ctx context.Context) (*material, error) {
	if m := s.current.Load(); s.fresh(m) {
		return m, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	old := s.current.Load()
	if s.fresh(old) {
		return old, nil
	}
	m, err := s.fetchTraced(ctx)
	if err != nil && ctx.Err() == nil && old != nil && time.Since(old.since) < maxStale {
		stale := *old
		stale.retry = time.Now().Add(retryRefresh)
		m, err = &stale, nil
	}
	if err != nil {
		return nil, err
	}
	s.current.Store(m)
	return m, nil
}

func (s *source) fresh(m *material) bool {
	if m == nil || s.trust.JSON != nil {
		return m != nil
	}
	refresh := s.trust.Refresh
	if refresh == 0 {
		refresh = defaultRefresh
	}
	return time.Since(m.since) < refresh || time.Now().Before(m.retry)
}

func (s *source) fetch(ctx context.Context) (*material, error) {
	client, err := tuf.New(s.options(ctx))
	if err != nil {
		return nil, err
	}
	m := &material{since: time.Now()}
	if m.root, err = root.GetTrustedRoot(client); err != nil {
		return nil, err
	}
	if !s.signing {
		return m, nil
	}
	data, err := client.GetTarget("signing_config.v0.2.json")
	if err != nil {
		return nil, err
	}
	c, err := root.NewSigningConfigProtobuf(data)
	if err != nil {
		return nil, err
	}
	m.config, err = signingConfig(c)
	return m, err
}

func (s *source) options(ctx context.Context) *tuf.Options {
	// Not the defaults, which look for the home folder.
	o := &tuf.Options{Root: tuf.DefaultRoot(), RepositoryBaseURL: tuf.DefaultMirror, CachePath: s.trust.CacheDir}
	switch {
	case s.trust.Staging:
		o.WithRoot(tuf.StagingRoot()).WithRepositoryBaseURL(tuf.StagingMirror)
	case s.trust.Mirror != "":
		o.WithRoot(s.trust.MirrorRoot).WithRepositoryBaseURL(strings.TrimSuffix(s.trust.Mirror, "/"))
	}
	o.DisableLocalCache = s.trust.CacheDir == ""
	f := fetcher.NewDefaultFetcher()
	f.SetHTTPClient(newClient(ctx, s.trust.Proxy, maxTUF, false))
	if s.trust.CacheOnly {
		o.WithForceCache()
		f.SetHTTPClient(&http.Client{Transport: noNetwork{}})
	} else if s.current.Load() == nil {
		o.WithCacheValidity(1) // days, for programs that verify once and end
	}
	return o.WithFetcher(f)
}

type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the cache holds nothing that is still valid, and the network is not to be used")
}
