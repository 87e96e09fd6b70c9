package ruleset

import (
	"bufio"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxText is how much of a rule's text Text returns.
const maxText = 1 << 20

// Files returns the folder in which a rule lies. shipped holds the shipped rules.
func (r *Rule) Files(shipped fs.FS) (fs.FS, error) {
	if name, ok := strings.CutPrefix(r.File, ShippedPrefix); ok {
		return fs.Sub(shipped, path.Dir(name))
	}
	return os.DirFS(filepath.Dir(r.File)), nil
}

// Text returns the text of a rule: its document of a YAML file, or its stanza.
func (r *Rule) Text(shipped fs.FS) (string, error) {
	dir, err := r.Files(shipped)
	if err != nil {
		return "", err
	}
	f, err := dir.Open(filepath.Base(strings.TrimPrefix(r.File, ShippedPrefix)))
	if err != nil {
		return "", err
	}
	defer f.Close()
	return cut(f, r.Line, strings.HasSuffix(r.File, ".conf"))
}

// cut reads from a line to the end of the document or, in a .conf file, of the stanza.
func cut(f io.Reader, from int, stanza bool) (string, error) {
	var text strings.Builder
	in := bufio.NewReader(io.LimitReader(f, 16<<20))
	for n := 1; ; n++ {
		l, err := in.ReadString('\n')
		end := strings.HasPrefix(l, "---")
		if stanza {
			end = strings.HasPrefix(l, "[")
		}
		if n > from && end {
			break
		}
		if n >= from && !(n == from && end && !stanza) {
			text.WriteString(l)
		}
		if text.Len() > maxText {
			text.WriteString("\n…")
			break
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
	}
	return strings.Trim(text.String(), "\r\n"), nil
}
