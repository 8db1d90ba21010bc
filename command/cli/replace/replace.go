// Package replace edits files that must not be lost: whoever reads one finds the old content or the new, and never a part,
// wherever the program that writes is killed.
package replace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Suffix is what the name of a new version ends in until it takes the old one's place. One that a killed program left behind is
// overwritten by the next edit.
const Suffix = ".new"

// newMode is the mode of a file that was not there: it may hold secrets.
const newMode fs.FileMode = 0o600

// MaxSize bounds the files that are edited, in bytes: they are read whole.
const MaxSize = 64 << 20

// step is called before each step of an edit. A test ends the program there.
var step = func(string) {}

// Edit writes what edit makes of a file's content, of nil if there is no file. The new version keeps the old one's owner and
// mode, or is not written; a new file is its owner's alone. Where path is a symbolic link, what it leads to is edited. Edits
// by several processes wait for each other, on Windows excepted. An edit that changes nothing writes nothing.
func Edit(path string, edit func(old []byte) ([]byte, error)) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	unlock, err := lock(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer unlock()
	old, info, err := read(path)
	if err != nil {
		return err
	}
	content, err := edit(old)
	if err != nil || info != nil && string(content) == string(old) {
		return err
	}
	next := path + Suffix
	// It may be there, of a program that was killed; and another one's file or link must not be written through.
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := write(next, content, info); err != nil {
		_ = os.Remove(next) // what went wrong before says more
		return err
	}
	step("rename")
	if err := os.Rename(next, path); err != nil {
		_ = os.Remove(next)
		return err
	}
	step("sync the folder")
	return syncFolder(filepath.Dir(path))
}

// target follows symbolic links, the last of which may lead to a file that is not there yet.
func target(path string) (string, error) {
	const most = 40 // as Linux follows
	for range most {
		link, err := os.Readlink(path)
		if err != nil { // no link, or nothing there: what reads it says why
			return path, nil //nolint:nilerr // not an error of this function's
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return "", fmt.Errorf("%s: too many symbolic links", path)
}

// read returns a file's content and what is to be kept of it; neither if there is no file.
func read(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is no regular file", path)
	}
	content, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err == nil && len(content) > MaxSize {
		err = fmt.Errorf("%s: larger than %d bytes", path, MaxSize)
	}
	return content, info, err
}

// write writes a file that is not there yet, and returns when it is on the disk. old is whose owner and mode it gets.
func write(path string, content []byte, old fs.FileInfo) (err error) {
	step("create")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, newMode)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	if old != nil {
		step("own")
		if err := own(f, old); err != nil {
			return err
		}
		step("chmod")
		if err := f.Chmod(old.Mode().Perm()); err != nil {
			return err
		}
	}
	step("write")
	half := len(content) / 2
	if _, err := f.Write(content[:half]); err != nil {
		return err
	}
	step("write the rest")
	if _, err := f.Write(content[half:]); err != nil {
		return err
	}
	step("sync")
	return f.Sync()
}
