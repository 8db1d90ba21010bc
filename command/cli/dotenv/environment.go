package dotenv

import "os"

// Default is the file that is read where none is named.
const Default = ".env"

// Environment is the process's environment with a file under it: variables that are set already stay as they are. It is not
// safe for concurrent use.
type Environment struct {
	from map[string]string // what came from the file
}

// Apply sets the file's variables, in place of those of the file that was applied before. It returns a function that undoes it.
func (e *Environment) Apply(f *File) (undo func(), err error) {
	before := e.from
	values, err := f.Values(e.own)
	if err != nil {
		return nil, err
	}
	if err := e.change(values); err != nil {
		return nil, err
	}
	return func() { _ = e.change(before) }, nil // it could be set before
}

// own returns a variable of the process's own environment.
func (e *Environment) own(name string) (string, bool) {
	if _, ours := e.from[name]; ours {
		return "", false
	}
	return os.LookupEnv(name)
}

// FromFile reports whether a variable's value is the file's.
func (e *Environment) FromFile(name string) bool {
	_, ok := e.from[name]
	return ok
}

func (e *Environment) change(values map[string]string) error {
	next := make(map[string]string, len(values))
	for name, value := range values {
		if _, own := e.own(name); own {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return err
		}
		next[name] = value
	}
	for name := range e.from {
		if _, still := next[name]; !still {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	e.from = next
	return nil
}

// Lookup returns the first of the variables that is set and not empty: in the environment, else in ./.env. It is for commands
// that need a few variables and start nothing.
func Lookup(names ...string) (string, error) {
	var values map[string]string
	for _, name := range names {
		if v := os.Getenv(name); v != "" {
			return v, nil
		}
		if values == nil {
			f, err := ReadIfThere(Default)
			if err != nil {
				return "", err
			}
			if values, err = f.Values(os.LookupEnv); err != nil {
				return "", err
			}
		}
		if _, own := os.LookupEnv(name); !own && values[name] != "" {
			return values[name], nil
		}
	}
	return "", nil
}
