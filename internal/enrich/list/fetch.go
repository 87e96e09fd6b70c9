package list

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// fetcher gets lists from URLs.
type fetcher struct {
	Client *http.Client // nil = one with a timeout
}

// fetchTime bounds one request.
const fetchTime = time.Minute

// retryAfter is how soon a list that could not be fetched is tried again.
const retryAfter = 10 * time.Minute

// Due reports whether a list should be fetched.
func (h *Held) Due(now time.Time) bool {
	if h.URL == "" {
		return false
	}
	last, every := h.tried, h.Every
	if last.IsZero() {
		last = h.Checked
	}
	if h.Err != nil {
		every = min(every, retryAfter)
	}
	return last.IsZero() || h.List == nil && h.tried.IsZero() || !now.Before(last.Add(every))
}

// Fetch asks the URL of a list, with the conditions of HTTP, so that a list that did not
// change is not sent again. What cannot be used leaves the list as it was held.
func (k *Keeper) Fetch(ctx context.Context, before *Held) *Held {
	h := *before
	h.tried, h.Err, h.Kept = k.Now(), nil, false
	data, changed, err := k.get(ctx, &h)
	if err == nil && changed {
		var l *List
		if l, err = Parse(data, k.options(&h.Spec)); err == nil {
			h.List, h.Of, h.Checked = l, h.tried, h.tried
			if err := k.keep(&h, data); err != nil {
				h.Err = err
			}
			return &h
		}
	}
	if err != nil {
		h.note = before.note // the copy is still that of before
		h.Err, h.Kept = err, h.List != nil
		if err := k.keepNote(&h); err != nil {
			h.Err = errors.Join(h.Err, err)
		}
		return &h
	}
	h.Checked, h.note.Checked = h.tried, h.tried
	if err := k.keepNote(&h); err != nil {
		h.Err = err
	}
	return &h
}

// get fetches; changed is false if the list is still the one that is held.
func (k *Keeper) get(ctx context.Context, h *Held) (data []byte, changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("User-Agent", "bluetrail")
	if h.AuthFile != "" {
		secret, err := os.ReadFile(h.AuthFile)
		if err != nil {
			return nil, false, fmt.Errorf("cannot read auth_file: %w", err)
		}
		req.Header.Set("Authorization", strings.TrimSpace(string(secret)))
	}
	if h.List != nil && h.note.ETag != "" {
		req.Header.Set("If-None-Match", h.note.ETag)
	}
	if h.List != nil && h.note.Modified != "" {
		req.Header.Set("If-Modified-Since", h.note.Modified)
	}
	client := k.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, false, plainly(err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotModified && h.List != nil:
		return nil, false, nil
	case res.StatusCode != http.StatusOK:
		return nil, false, fmt.Errorf("the server answered %s", res.Status)
	}
	if data, err = k.bounded(res.Body); err != nil {
		return nil, false, plainly(err)
	}
	h.note.ETag, h.note.Modified = res.Header.Get("ETag"), res.Header.Get("Last-Modified")
	return data, true, nil
}

// plainly leaves the URL out of an error: it may hold a key.
func plainly(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
