# アプリだけで使うもの
protected-limit-app = 正直に言うと、ひとつだけ限界があります。アプリがサーバーに任せるのはデバイスの引き合わせだけで、共有する中身は任せません。ただし運営者には、2 台のデバイスがいつ出会ったかが見えます。
app-settings = 設定
app-server = サーバー
app-server-hint = デバイスどうしを引き合わせます。ご自分のサーバーか、信頼できるサーバーのアドレスを入れてください。
app-server-ask = どのサーバーを使いますか？
app-server-bad = サーバーのアドレスではありません。drop.example や https://drop.example のような形です。
app-server-use = 使う
app-downloads = 受け取ったものの保存先
app-downloads-none = 受け取るときにフォルダーをお聞きします。
app-downloads-change = 変更…
app-autostart = システムと同時に起動
app-autostart-hint = 誰かが共有するまで、トレイで待っています。
app-items-folder = 受け取ったものは { $folder } に直接保存されます。
app-reveal = フォルダーで表示
app-show = PrivyDrop を開く
app-quit = 終了
app-idle = 転送中のものはありません
app-moving = 転送中
app-arrived = 届いて検証済み
app-follow = リンクから { $server } のルーム { $room } に参加しようとしています。今のルームからは退出します。
app-update = PrivyDrop { $version } が出ました。今インストールしますか？
app-install = インストール

# プログラムだけで起きること：ページの経路は 1 本で、貼り付けたものを読み取れる
notice-files-not-pasted = 貼り付けでは共有できません
    .reason = ウィンドウには貼り付けたファイルの場所が分からず、コピーした画像はまだファイルではありません。
    .next = ファイルをウィンドウにドロップするか、ボタンで選んでください。
