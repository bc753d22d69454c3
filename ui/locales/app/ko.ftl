# 앱에서만
protected-limit-app = 솔직히 말하면 한 가지 한계가 있어요. 앱은 서버에 기기를 소개하는 일만 맡기고, 공유하는 내용은 맡기지 않아요. 다만 운영자는 두 기기가 언제 만나는지 볼 수 있어요.
app-settings = 설정
app-server = 서버
app-server-hint = 기기를 서로 소개해 줘요. 직접 운영하는 서버나 믿는 서버의 주소를 쓰세요.
app-server-ask = 어느 서버를 쓸까요?
app-server-bad = 서버 주소가 아니에요. drop.example 또는 https://drop.example 같은 모양이에요.
app-server-use = 사용
app-downloads = 받은 것을 저장할 곳
app-downloads-none = 받을 때 폴더를 물어봐요.
app-downloads-change = 변경…
app-autostart = 시스템과 함께 시작
app-autostart-hint = 누군가 공유할 때까지 트레이에서 기다려요.
app-items-folder = 받은 것은 바로 { $folder } 폴더에 저장돼요.
app-reveal = 폴더에서 보기
app-show = PrivyDrop 열기
app-quit = 종료
app-idle = 전송 중인 것 없음
app-moving = 전송 중
app-arrived = 도착, 검증됨
app-follow = 링크가 { $server } 서버의 { $room } 방에 참가하려고 해요. 지금 있는 방에서는 나가게 돼요.
app-update = PrivyDrop { $version } 버전이 나왔어요. 지금 설치할까요?
app-install = 설치

# 프로그램에만 있는 일: 페이지는 경로가 하나이고, 붙여 넣은 것을 읽을 수 있다
notice-files-not-pasted = 붙여 넣기로는 공유할 수 없어요
    .reason = 창은 붙여 넣은 파일이 어디에 있는지 알 수 없고, 복사한 그림은 아직 파일이 아니에요.
    .next = 파일을 창에 놓거나 버튼으로 선택해 주세요.
