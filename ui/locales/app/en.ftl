# Only in the app
protected-limit-app = One honest limit: the app trusts its server to introduce devices, not with what they share. Whoever runs it sees that two devices meet, and when.
app-settings = Settings
app-server = Server
app-server-hint = It introduces the devices to each other. Use the address of your own, or of one that you trust.
app-server-ask = Which server?
app-server-bad = This is no server's address. It looks like drop.example or https://drop.example.
app-server-use = Use
app-downloads = What you accept goes to
app-downloads-none = You are asked for a folder when you accept something.
app-downloads-change = Change…
app-autostart = Start with the system
app-autostart-hint = It waits in the tray until somebody shares something with you.
app-items-folder = What you accept goes straight to { $folder }.
app-reveal = Show in folder
app-show = Open PrivyDrop
app-quit = Quit
app-idle = Nothing moves
app-moving = Moving
app-arrived = Arrived and checked
app-follow = A link asks to join room { $room } at { $server }. You leave the room you are in.
app-update = Version { $version } of PrivyDrop is there. Install it now?
app-install = Install

# What happens to programs only: a page has one lane, and may read what is pasted.
notice-files-not-pasted = This can't be shared by pasting
    .reason = The window isn't told where pasted files are, and a copied picture is no file yet.
    .next = Drop the file on the window, or use the button to choose it.
