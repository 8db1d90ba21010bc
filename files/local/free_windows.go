package local

import "golang.org/x/sys/windows"

// diskFree returns how much of the disk that dir is on may still be written by this user, and the disk's size, in bytes.
func diskFree(dir string) (free, size uint64, err error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, err
	}
	err = windows.GetDiskFreeSpaceEx(name, &free, &size, nil)
	return free, size, err
}
