package extract

// plain gives text as it is: Markdown, code, logs, JSON Lines.
func plain(in *input, out *output) error {
	b, more, err := in.prefix(out.limit)
	if err != nil {
		return err
	}
	out.truncated = more
	_, err = out.Write(b)
	return err
}
