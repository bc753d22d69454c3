# The page
app-tagline = Straight from device to device
language = Language
theme = Colours
theme-system = As the system
theme-light = Light
theme-dark = Dark
close = Close
dismiss = Dismiss this message

# Protection
protected = How this is protected
protected-title = What you share goes straight to the other device
protected-direct = Files, folders and text travel straight between the devices, encrypted from end to end. The server introduces them to each other and never sees contents, names or sizes.
protected-proof = Both devices prove that they know the code or the link before a byte is sent. Who sits between them learns nothing.
protected-check = Every piece is checked when it arrives. A file is done only when it equals the original.
protected-limit = One honest limit: this page comes from a server. If you don't trust who runs it, run your own or use the app.

# Offering
share-title = Share files, folders or text
share-drop = Drop files or folders here
share-drop-hint = You get a code and a link to give away. Nothing leaves this device until somebody takes it.
share-more = Add files or folders
share-more-hint = Drop them anywhere on this page.
point-direct = No upload
point-direct-more = It goes straight from this device to the other one.
point-sealed = Encrypted from end to end
point-sealed-more = The server introduces you and sees nothing of it.
point-checked = Checked on arrival
point-checked-more = What arrives equals the original, or it says so.
share-let-go = Let go to share
choose-files = Choose files
choose-folder = Choose folder

# Text
text-title = Text
text-placeholder = Or write or paste a text…
text-share = Share text
text-synced = Shared. What you type shows on the other side.
text-tools = Formatting
text-bold = Bold
text-italic = Italic
text-underline = Underlined
text-code = Code
text-list = List
text-link = Link
text-link-address = Address of the link
text-link-set = Set link
text-copy = Copy text

# Joining
join-title = Join a room
join-label = Code or link
join-placeholder = 123456-word-word-word
join-hint = You get it from the person who shares.
join-missing-words = A code is a room and three words.
join-too-many-words = There are too many words.
join-unknown-word = “{ $word }” isn't one of the words that codes are made of.
join-bad-room = What stands before the words isn't a room's name.
join-bad-link = The link is incomplete. Copy the whole of it.
join = Join
joining = Joining…
go-back = Go back to { $room }
go-back-hint = Remembered on this device.
forget = Forget

# Wished names
wish-title = Make a room with its own name
wish-label = Room name
wish-placeholder = our-room
wish-open = Open room
wish-hint = 3 to 63 letters a–z, digits and dashes.
wish-checking = Looking it up…
wish-free = This name is free.
wish-taken = This name is in use. Choose another one.
wish-invalid = Only letters a–z, digits and dashes, 3 to 63 of them, starting with a letter or digit.
wish-unknown = The server can't be reached just now. You can try to open the room anyway.
wish-wait = Too many look-ups. Wait { $seconds ->
        [one] { $seconds } second
       *[other] { $seconds } seconds
    } and go on typing.

# The room
room-title = Your room
room-title-guest = Room { $room }
room-opening = Making a room…
room-code-copy = Copy code
room-code-say = Say it, or send the link:
room-link-copy = Copy link
room-qr = QR code
room-qr-alt = QR code of the room's link
room-qr-copy = Copy picture
room-qr-save = Save picture
room-tries = { $tries ->
        [one] { $tries } wrong try left before the words change
       *[other] { $tries } wrong tries left before the words change
    }
room-keep = Remember this room on this device
room-keep-hint = So that you can come back without a code.
room-leave = Leave room
room-reconnecting = The server is out of reach. What is moving goes on; nobody new can join.
copied = Copied
saved = Saved
copy-failed = Copying isn't allowed here. Select it and copy by hand.

# Members
members = In this room
members-none = Nobody else is here yet
members-none-hint = Give somebody the code, the link or the QR code.
member-unnamed = Another device
member-host = made the room
member-verified = Proved and encrypted
member-connecting = Connecting…
member-lost = Connection lost. Trying again…
member-refused = Turned away: it didn't prove that it knows this room.
path-lan = Same network
path-lan-why = Both devices are in the same network; nothing leaves it.
path-direct = Direct
path-direct-why = Straight through the internet, without a stop in between.
path-relay = Relayed
path-relay-why = Your networks block a direct connection, so it goes through a relay, which can't read it.
path-rtt = { $ms } ms
path-lanes = { $count } lanes

# Items
items-title = On offer
items-empty-guest = Nothing is offered yet
items-empty-guest-hint = As soon as somebody shares something, it shows here.
items-waiting = Waiting for the connection
items-waiting-hint = What is offered shows here in a moment.
accept = Accept
accept-all = Accept all
accept-again = Try again
save = Save
pause = Pause
resume = Go on
cancel = Cancel
remove = Remove
withdraw = Stop offering
item-text = Text
item-files = { $files ->
        [one] { $files } file
       *[other] { $files } files
    }
item-from = from { $name }
item-out = offered by you
item-untaken = Not taken yet
item-waiting = Waiting for its turn
item-checking = Checking what is here already
item-paused-here = Paused by you
item-paused-there = Paused by the other side
item-paused = Paused
item-verifying = Checking the last pieces
item-done-in-place = Complete and checked, in the folder you chose
item-done = Complete and checked
item-failed = Stopped by a problem
item-cancelled-here = Cancelled by you
item-cancelled-there = Cancelled by the other side
item-cancelled = Cancelled
item-fetching = { $count ->
        [one] { $count } device is taking it
       *[other] { $count } devices are taking it
    }
item-fetched = { $count ->
        [one] taken once
       *[other] taken { $count } times
    }
item-progress = Progress of { $name }
item-hash = BLAKE3
storage-private = What you accept is saved as a download when it is complete, a folder as one zip. If this page ends before, it goes on when you open the link again.
storage-directory = If this page ends before what you accept is complete, it goes on when you open the link again, as long as this browser has space for a second copy until then.
storage-memory = This browser gives pages no storage: only small things can be taken, while this page stays open. A newer browser or a window that isn't private takes more.
app-unfinished = Something in the folder for what you receive is unfinished: { $size }. It goes on when you accept it again, and is kept for a week.
unfinished = Something in this browser is unfinished: { $size }. It goes on when you open its link again, and is kept for a week.
unfinished-clear = Remove it

# Figures
total = In total
speed = { $amount }/s
of = { $done } of { $size }
left-moment = a moment left
left-seconds = { $seconds ->
        [one] { $seconds } second left
       *[other] { $seconds } seconds left
    }
left-minutes = { $minutes ->
        [one] { $minutes } minute left
       *[other] { $minutes } minutes left
    }
left-hours = { $hours } h { $minutes } min left

# What happened, why, what to do
notice-wrong-words = These words don't open this room
    .reason = They were mistyped, or the room has new words by now.
    .next = { $number ->
        [unknown] Check them with the person who shares and try again.
        [0] Ask for the new words.
        [one] Check them with the person who shares. One try is left before they change.
       *[other] Check them with the person who shares. { $number } tries are left before they change.
    }
notice-wrong-link = This link doesn't open the room
    .reason = It is incomplete, or the room was made anew since it was sent.
    .next = Ask for the link again and open the whole of it.
notice-words-busy = The room takes no words for a moment
    .reason = Somebody tried wrong words, so the host's device holds the door shut for a while.
    .next = Try again in a minute, or ask for the link: it works at once.
notice-somebody-guessed = Somebody tried wrong words
    .reason = A person mistyped the code, or a stranger is guessing. Nobody was let in.
    .next = { $number ->
        [one] Read the code out once more if you expect somebody. After one more wrong try the words change.
       *[other] Read the code out once more if you expect somebody. After { $number } more wrong tries the words change.
    }
notice-words-changed = Your room has new words
    .reason = There were five wrong tries, so the old words don't open it any more.
    .next = Give out the new code. The link and everybody who is here stay as they are.
notice-room-unknown = There is no room { $subject }
    .reason = It was closed, it expired, or its name was mistyped.
    .next = Check the code with the person who shares and try again.
notice-room-taken = The name { $subject } is in use
    .reason = Somebody else has a room of this name.
    .next = Choose another name.
notice-room-full = The room is full
    .reason = It holds no more members.
    .next = Try again when somebody has left.
notice-room-busy = Too many people are at this room's door
    .reason = Everybody there waits to be let in.
    .next = Try again in half a minute.
notice-host-away = The person who made this room is away
    .reason = Only their device can let somebody new in, and it isn't connected now.
    .next = Ask them to open the page again, then try once more.
notice-no-answer = The other device didn't answer
    .reason = It may be asleep, its screen off, or its network slow.
    .next = Ask to wake it up, then try again.
notice-rate-limited = That was too often
    .reason = The server slows down repeated tries from one network, to keep guessers out.
    .next = { $number ->
        [one] Wait { $number } second, then try again.
       *[other] Wait { $number } seconds, then try again.
    }
notice-server-unreachable = The server can't be reached
    .reason = This device is offline, or the server is down.
    .next = Check your connection. If you were sharing, your room opens by itself as soon as the server answers. If you were joining, try again then.
notice-server-lost = The connection to the server broke
    .reason = The network changed or dropped out. What is moving goes on.
    .next = Nothing to do: it connects again by itself. Until then nobody new can join.
notice-server-back = The server is back
    .reason = The connection stands again.
    .next = Others can join as before.
notice-server-trouble = The server can't keep rooms just now
    .reason = It has a problem of its own.
    .next = Try again in a minute.
notice-server-version = This page and the server don't fit together
    .reason = One of them was updated.
    .next = Reload the page.
notice-stray-letters = Messages came that fit nothing here
    .reason = The server, or somebody at the door, repeats messages or makes them up.
    .next = None was accepted. If it goes on, use another server.
notice-replaced = This room went on in another window
    .reason = You opened the same room in another tab or window of this browser.
    .next = Go on there, or reload this page to take it back.
notice-already-open = Room { $subject } is open in another tab
    .reason = A browser takes part in a room once, so this tab stays outside.
    .next = Go on in the other tab, or close it and reload this page.
notice-pick-again = Pick again what you shared
    .reason = This page was loaded anew, and a browser forgets what was shared then. The room and its link are the same; the code has new words.
    .next = Choose the same files once more: whoever was receiving goes on by itself.
notice-keepsake-expired = You can't go back into { $subject } any more
    .reason = The room was closed, or it was too long ago.
    .next = Ask for a new code or link.
notice-join-slow = Joining takes longer than usual
    .reason = The network or the other device is slow.
    .next = Keep this page open. It gives up by itself after a while and says why.
notice-connect-slow = Connecting to { $subject } takes longer than usual
    .reason = Its network may be slow, or in the way of direct connections.
    .next = Keep this page open; other ways are being tried.
notice-connect-failed = No connection to { $subject }
    .reason = Your two networks let no direct connection through, and no relay helped.
    .next = Put both devices into the same network, or try another one.
notice-peer-refused = A device was turned away
    .reason = It didn't prove that it knows this room. Nothing was sent to it.
    .next = If you expected somebody, give them the link again.
notice-peer-violation = { $subject } was disconnected
    .reason = It sent something that no proper program sends. Nothing of it was kept.
    .next = Ask that person to reload the page or to update the app.
notice-peer-version = { $subject } runs another version
    .reason = The two versions don't understand each other.
    .next = Reload the page on both devices.
notice-peer-left = { $subject } left
    .reason = The page was closed, or they left the room.
    .next = What you took is yours. They can come back at any time.
notice-peer-lost = The connection to { $subject } broke
    .reason = Its network dropped out or its screen went off.
    .next = Keep this page open: it goes on where it stopped as soon as they are back.
notice-peer-joined = { $subject } joined
    .reason = They had the code or the link, and both devices proved it.
    .next = You can share with each other now.
notice-item-gone = { $subject } is no longer offered
    .reason = The person who shared it took it back.
    .next = Ask them to share it again if you still need it.
notice-item-awaited = { $subject } has to be offered again
    .reason = The sharer's page or program was started anew, and such a start forgets its files.
    .next = Ask them to pick it again. It goes on by itself from what is here.
notice-item-received = { $subject } is here
    .reason = It is complete and equals the original.
    .next = You find it where you chose to keep it, or among your downloads.
notice-item-sent = { $subject } arrived
    .reason = The other device has all of it and has checked it.
    .next = You can stop offering it, or leave it for others.
notice-paused-there = { $subject } was paused
    .reason = The other side paused it.
    .next = It goes on when they say so.
notice-cancelled-there = { $subject } was cancelled
    .reason = The other side stopped it.
    .next = Ask them if you didn't expect that.
notice-source-changed = { $subject } changed
    .reason = The file was altered on the sharer's device after it was offered, so what came would be a mixture.
    .next = Have it shared again.
notice-source-unreadable = { $subject } can't be read
    .reason = The file was moved or deleted on the sharer's device, or may not be read.
    .next = Have it shared again.
notice-left-out = Some of { $subject } is left out
    .reason = { $number ->
        [one] One entry is
       *[other] { $number } entries are
    } a symbolic link, no plain file, or may not be read.
    .next = Everything else is offered. Share what is missing by itself.
notice-sharer-busy = { $subject } has to wait
    .reason = The sharer serves as many at once as it can.
    .next = Accept it again in a moment.
notice-item-resumed = { $subject } goes on at { $number } %
    .reason = So much of it was here from before, and was checked again.
    .next = Nothing to do: only the rest is fetched.
notice-piece-failed = A piece of { $subject } is fetched again
    .reason = It was damaged on the way.
    .next = Nothing to do: what is kept is right.
notice-item-corrupt = { $subject } doesn't equal the original
    .reason = Pieces of it failed their check again and again. Nothing wrong was kept.
    .next = Try again, or ask the sharer to offer it anew.
notice-no-space = Not enough space for { $subject }
    .reason = It needs { $needed }, and { $free } are free.
    .next = Make room or choose another place, then accept it again.
notice-place-full = No space was left for { $subject }
    .reason = It needs { $needed } in all.
    .next = Make room, then accept it again: it goes on from what could be kept.
notice-place-unwritable = { $subject } can't be stored there
    .reason = The place is gone, or this page may not write to it.
    .next = Accept it again and choose another place.
notice-place-not-chosen = Nothing was taken
    .reason = You closed the dialog without choosing a place.
    .next = Press Accept again whenever you like.
notice-unsafe-name = Something from { $subject } was refused
    .reason = It has names that could do harm on this device.
    .next = Ask them to rename it or to pack it into one file.
notice-too-many = That is too much at once
    .reason = { $number ->
        [one] Only one is allowed.
       *[other] At most { $number } are allowed.
    }
    .next = Pack it into one file, or share it in parts.
notice-too-large = { $subject } is too large
    .reason = It is larger than can be moved.
    .next = Split it into parts.
notice-too-deep = { $subject } has too many folders within folders
    .reason = It is nested too deep, or its paths are too long for some devices.
    .next = Pack it into one file and share that.
notice-text-too-long = The text is too long
    .reason = It is longer than can be shared as text.
    .next = Save it as a file and share that.
notice-not-an-invitation = This is neither a code nor a link
    .reason = A code looks like 123456-word-word-word.
    .next = Check it, or paste the whole link.
# Without a name
somebody = another device
something = an item
