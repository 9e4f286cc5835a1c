//go:build !nosigstore

package sigstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	openapi "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	pb "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"github.com/sigstore/rekor/pkg/generated/client"
	"github.com/sigstore/rekor/pkg/generated/client/entries"
	"github.com/sigstore/rekor/pkg/generated/models"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/modelsigning/modelsigning/internal/transport"
)

// newRekorV1 returns the client of a log of version 1. It is not Rekor's own, which reads without limit.
func newRekorV1(ctx context.Context, proxy transport.Proxy, address string) (rekorV1, error) {
	u, err := url.Parse(address)
	if err != nil {
		return rekorV1{}, err
	}
	path := cmp.Or(u.Path, client.DefaultBasePath)
	t := openapi.NewWithClient(u.Host, path, []string{u.Scheme}, newClient(ctx, proxy, maxAnswer, true))
	return rekorV1{entries.New(t, strfmt.Default)}, nil
}

// rekorV1 refuses entries that lack what sigstore-go takes for granted and would panic without.
type rekorV1 struct{ entries.ClientService }

func (r rekorV1) CreateLogEntry(p *entries.CreateLogEntryParams, opts ...entries.ClientOption) (*entries.CreateLogEntryCreated, error) {
	created, err := r.ClientService.CreateLogEntry(p, opts...)
	if err != nil {
		return nil, err
	}
	return created, complete(created.Payload[created.ETag])
}

func (r rekorV1) GetLogEntryByUUID(p *entries.GetLogEntryByUUIDParams, opts ...entries.ClientOption) (*entries.GetLogEntryByUUIDOK, error) {
	found, err := r.ClientService.GetLogEntryByUUID(p, opts...)
	if err != nil {
		return nil, err
	}
	if len(found.Payload) != 1 {
		return nil, fmt.Errorf("server answered with %d entries", len(found.Payload))
	}
	for _, entry := range found.Payload {
		err = complete(entry)
	}
	return found, err
}

func complete(e models.LogEntryAnon) error {
	if e.LogID == nil || e.LogIndex == nil || e.IntegratedTime == nil || e.Verification == nil {
		return errors.New("server answered with an incomplete entry")
	}
	p := e.Verification.InclusionProof
	if p == nil || p.RootHash == nil || p.LogIndex == nil || p.TreeSize == nil || p.Checkpoint == nil {
		return errors.New("server answered with an incomplete inclusion proof")
	}
	return nil
}

// rekorV2 adds entries to a log of version 2.
type rekorV2 struct {
	url   string
	proxy transport.Proxy
}

func (r rekorV2) Add(ctx context.Context, entry any) (*protorekor.TransparencyLogEntry, error) {
	request, ok := entry.(*pb.HashedRekordRequestV002)
	if !ok {
		return nil, fmt.Errorf("unknown kind of entry %T", entry)
	}
	body, err := protojson.Marshal(&pb.CreateEntryRequest{
		Spec: &pb.CreateEntryRequest_HashedRekordRequestV002{HashedRekordRequestV002: request},
	})
	if err != nil {
		return nil, err
	}
	address := strings.TrimSuffix(r.url, "/") + "/api/v2/log/entries"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := newClient(ctx, r.proxy, maxAnswer, true).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusCreated {
		return nil, fmt.Errorf("server answered %d: %.200q", res.StatusCode, answer)
	}
	tle := new(protorekor.TransparencyLogEntry)
	if err := protojson.Unmarshal(answer, tle); err != nil {
		return nil, err
	}
	return tle, nil
}
