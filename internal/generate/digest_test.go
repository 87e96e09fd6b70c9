package generate

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDigestsVerify follows every chain as a verifier does, with nothing but
// the files and the public key.
func TestDigestsVerify(t *testing.T) {
	t.Parallel()
	files, sum := smallTrail()
	var list publicKeys
	text := files[KeysFile]
	if err := json.Unmarshal(text, &list); err != nil || len(list.PublicKeyList) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	der, err := base64.StdEncoding.DecodeString(list.PublicKeyList[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil || key.N.BitLen() != 2048 {
		t.Fatalf("public key: %v", err)
	}

	hashes := map[string]string{} // log files not yet vouched for
	for _, f := range logFiles(t, files) {
		h := sha256.Sum256(f.body)
		hashes[f.name] = hex.EncodeToString(h[:])
	}
	digests, previous := 0, map[string]string{} // folder of the lane to the digest before
	ends := map[string]time.Time{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.Contains(name, "CloudTrail-Digest") || !strings.HasSuffix(name, ".json.gz") {
			continue
		}
		digests++
		body := gunzip(t, name, files[name])
		var g digest
		if err := json.Unmarshal(body, &g); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name != g.Object || g.Fingerprint != list.PublicKeyList[0].Fingerprint {
			t.Errorf("digest at %s says it is %s, of key %s", name, g.Object, g.Fingerprint)
		}
		lane := g.AccountID + strings.Split(name, "/")[4]
		before := "null"
		if last, ok := previous[lane]; ok {
			if g.PreviousObject == nil || g.PreviousSignature == nil || g.PreviousHash == nil {
				t.Fatalf("%s does not name the digest before", name)
			}
			earlier := sha256.Sum256(gunzip(t, last, files[last]))
			if *g.PreviousObject != last || *g.PreviousHash != hex.EncodeToString(earlier[:]) {
				t.Errorf("%s follows %s, and names %s", name, last, *g.PreviousObject)
			}
			before = *g.PreviousSignature
		} else if g.PreviousObject != nil {
			t.Errorf("%s is the first, and names %s", name, *g.PreviousObject)
		}
		previous[lane] = g.Object
		start, _ := time.Parse(timeFormat, g.Start)
		end, _ := time.Parse(timeFormat, g.End)
		if last, ok := ends[lane]; end.Sub(start) != time.Hour || ok && !last.Equal(start) {
			t.Errorf("%s is of %v to %v, the one before ended at %v", name, start, end, last)
		}
		ends[lane] = end

		bodyHash := sha256.Sum256(body)
		signed := sha256.Sum256([]byte(g.End + "\n" + g.Bucket + "/" + g.Object + "\n" + hex.EncodeToString(bodyHash[:]) + "\n" + before))
		signature, err := hex.DecodeString(strings.TrimSpace(string(files[name+".signature"])))
		if err != nil {
			t.Fatal(err)
		}
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, signed[:], signature); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, f := range g.LogFiles {
			if hashes[f.Object] != f.Hash {
				t.Errorf("%s: hash of %s is %s, the file's is %q", name, f.Object, f.Hash, hashes[f.Object])
			}
			delete(hashes, f.Object)
			if came, _ := time.Parse("20060102T1504Z", delivered(f.Object)); came.Before(start) || came.After(end) {
				t.Errorf("%s of %v to %v holds %s", name, start, end, f.Object)
			}
		}
	}
	for name := range hashes {
		t.Errorf("no digest vouches for %s", name)
	}
	if want := 8 * 24 * len(previous); digests != want || sum.Digests != want {
		t.Errorf("%d digests, summary says %d, want %d", digests, sum.Digests, want)
	}
}

func TestSignatureRefusesAnotherText(t *testing.T) {
	t.Parallel()
	s := newSigner(11)
	key, err := x509.ParsePKCS1PublicKey(s.public)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := hex.DecodeString(s.sign("this"))
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{"this": true, "that": false} {
		sum := sha256.Sum256([]byte(text))
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
	if newSigner(12).fingerprint == s.fingerprint {
		t.Error("two seeds have one key")
	}
}
